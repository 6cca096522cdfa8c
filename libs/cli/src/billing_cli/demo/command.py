"""billing demo."""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID, uuid4

import typer
from billing_devstack import control
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from billing_cli import console, starting
from billing_cli.checklist import Check, checklist, verdict
from billing_cli.demo import event_file, expected, harvest, months, report
from billing_cli.demo.cast import CUSTOMERS
from billing_cli.demo.checks import all_checks
from billing_cli.demo.event_file import Delivery
from billing_cli.demo.harvest import Billed
from billing_cli.demo.months import Calendar
from billing_cli.demo.play import Stage, Taken
from billing_cli.demo.setup import open_books
from billing_cli.invariants import check_events
from billing_cli.mesh import DEFAULT_DIR, Mesh
from billing_cli.options import Dir
from billing_cli.rest import RestClient
from billing_cli.stack_commands import Broker

EVENTS = 20_000
SEED = 7
LATE_S = 1800.0  # late means an hour or more; everything else is delivered within seconds
BROKEN_EXIT = 1
FOLDER = "demo"


def demo(
    events: Annotated[Path | None, typer.Option(help="An event file to take instead of making one.")] = None,
    seed: Annotated[int, typer.Option(help="Another seed makes other events.")] = SEED,
    broker: Annotated[Broker, typer.Option(help="For a stack that is started now.")] = Broker.KAFKA,
    root: Dir = DEFAULT_DIR,
) -> None:
    """Play three months of billing through REST, print what came of it, check every invariant."""
    _ensure_up(root, broker)
    began = time.monotonic()
    mesh, tenant = Mesh.of(root), uuid4()
    calendar = months.latest(datetime.now(UTC).date())
    found = asyncio.run(_demo(mesh, tenant, calendar, _deliveries(root, calendar, events, seed)))
    console.out.rule("[bold]Invariants", align="left")
    console.out.print(checklist(found))
    console.out.print(verdict(found), f"[dim]in {time.monotonic() - began:.1f} s; tenant {tenant}[/]")
    if not all(check.passed for check in found):
        raise typer.Exit(BROKEN_EXIT)


def _ensure_up(root: Path, broker: Broker) -> None:
    if control.status(root).phase == "up":
        return
    began = time.monotonic()
    starting.up_detached(root, broker.value)
    console.out.print(f"[green]✓[/] the stack is up in {time.monotonic() - began:.1f} s; stop it with: billing down")


def _deliveries(root: Path, calendar: Calendar, given: Path | None, seed: int) -> list[Delivery]:
    path = given or root.resolve() / FOLDER / "usage_events.json"
    if given is None:
        event_file.make(path, calendar, CUSTOMERS, EVENTS, seed)
    return event_file.read(path)


async def _demo(mesh: Mesh, tenant: UUID, calendar: Calendar, deliveries: Sequence[Delivery]) -> list[Check]:
    counted = expected.tally(deliveries, CUSTOMERS, calendar, LATE_S)
    async with mesh.client(tenant) as client:
        members = await open_books(client, calendar, _done)
        taken = await _play(client, calendar, deliveries)
        _done(f"{taken.accepted:,} events accepted, {taken.duplicates:,} repeats recognised")
        with console.err.status("fetching invoices, payments and PDFs"):
            folder = mesh.layout.root / FOLDER / str(tenant)[:8]
            billed = await harvest.billed(client, members, folder)
            statistics = await harvest.statistics(client)
    _report(billed)
    with console.err.status("checking the invariants"):
        events = await check_events(mesh, tenant)
    return [*all_checks(billed, counted, taken, statistics), *events]


async def _play(client: RestClient, calendar: Calendar, deliveries: Sequence[Delivery]) -> Taken:
    columns = (
        TextColumn("{task.description:<8}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[now]:<12}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console.err) as bar:
        span = (calendar.closing - calendar.opening).total_seconds()
        clock = bar.add_task("time", total=span, now=f"{calendar.opening:%d %b %Y}")
        sent = bar.add_task("events", total=len(deliveries), now="")
        return await Stage(client, calendar, bar, sent, clock).play(deliveries)


def _report(billed: Sequence[Billed]) -> None:
    console.out.rule("[bold]Invoices", align="left")
    console.out.print(report.invoices(billed))
    console.out.print(report.timeline(billed))
    console.out.print(report.payments(billed))
    console.out.print(report.files(billed, Path.cwd()))


def _done(text: str) -> None:
    console.out.print("[green]✓[/]", text)
