"""billing demo."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID, uuid4

import typer
from billing_devstack import control
from billing_devstack.errors import StackError
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from billing_cli import console, starting
from billing_cli.checklist import Check, checklist, verdict
from billing_cli.demo import event_file, expected, harvest, life_report, months, report
from billing_cli.demo.cast import CUSTOMERS
from billing_cli.demo.checks import all_checks
from billing_cli.demo.event_file import Delivery
from billing_cli.demo.harvest import Billed
from billing_cli.demo.life import Lived
from billing_cli.demo.life_setup import begin
from billing_cli.demo.months import Calendar
from billing_cli.demo.play import Act, Stage, Taken
from billing_cli.demo.setup import open_books
from billing_cli.errors import CliError
from billing_cli.invariants import check_tenant
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
    keep: Annotated[bool, typer.Option(help="Let a stack that was started now go on running.")] = False,
    root: Dir = DEFAULT_DIR,
) -> None:
    """Play three months of billing through REST, print what came of it, check every invariant."""
    with _running(root, broker, keep):
        found = _played(root, events, seed)
    if not all(check.passed for check in found):
        raise typer.Exit(BROKEN_EXIT)


def _played(root: Path, events: Path | None, seed: int) -> list[Check]:
    """All checks, printed. Raises CliError."""
    began = time.monotonic()
    mesh, tenant = Mesh.of(root), uuid4()
    calendar = months.latest(datetime.now(UTC).date())
    found = asyncio.run(_demo(mesh, tenant, calendar, _deliveries(root, calendar, events, seed)))
    console.out.rule("[bold]Invariants", align="left")
    console.out.print(checklist(found))
    console.out.print(verdict(found), f"[dim]in {time.monotonic() - began:.1f} s; tenant {tenant}[/]")
    return found


@contextmanager
def _running(root: Path, broker: Broker, keep: bool) -> Iterator[None]:
    """A stack that is up; one that was started for this is stopped again, unless it is to be kept. Raises CliError."""
    if control.status(root).phase == "up":
        yield
        return
    began = time.monotonic()
    starting.up_detached(root, broker.value)
    ends = "stop it with: billing down" if keep else "it stops with the demo; keep it with --keep"
    console.out.print(f"[green]✓[/] the stack is up in {time.monotonic() - began:.1f} s; {ends}")
    try:
        yield
    finally:
        if not keep:
            _stop(root)


def _stop(root: Path) -> None:
    try:
        with console.err.status("stopping the stack"):
            control.down(root)
    except StackError as error:
        raise CliError(str(error)) from error


def _deliveries(root: Path, calendar: Calendar, given: Path | None, seed: int) -> list[Delivery]:
    path = given or root.resolve() / FOLDER / "usage_events.json"
    if given is None:
        event_file.make(path, calendar, CUSTOMERS, EVENTS, seed)
    return event_file.read(path)


async def _demo(mesh: Mesh, tenant: UUID, calendar: Calendar, deliveries: Sequence[Delivery]) -> list[Check]:
    counted = expected.tally(deliveries, CUSTOMERS, calendar, LATE_S)
    async with mesh.client(tenant) as client:
        members = await open_books(client, calendar, _done)
        life = await begin(client, calendar, _done)
        taken = await _play(client, calendar, deliveries, life.acts())
        _done(f"{taken.accepted:,} events accepted, {taken.duplicates:,} repeats recognised")
        with console.err.status("fetching invoices, payments and PDFs"):
            folder = mesh.layout.root / FOLDER / str(tenant)[:8]
            billed = await harvest.billed(client, [*members, life.member], folder)
            lived = await life.told()
            statistics = await harvest.statistics(client)
    _report(billed, lived)
    with console.err.status("checking the invariants"):
        kept = await check_tenant(mesh, tenant)
    return [*all_checks(billed, counted, taken, statistics, lived), *kept]


async def _play(client: RestClient, calendar: Calendar, deliveries: Sequence[Delivery], acts: Sequence[Act]) -> Taken:
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
        return await Stage(client, calendar, bar, sent, clock).play(deliveries, acts)


def _report(billed: Sequence[Billed], lived: Lived) -> None:
    own = [each for each in billed if each.member == lived.member]
    console.out.rule("[bold]Invoices", align="left")
    console.out.print(report.invoices([each for each in billed if each not in own]))
    console.out.print(report.timeline(billed))
    console.out.print(report.payments(billed))
    console.out.print(report.files(billed, Path.cwd()))
    console.out.rule("[bold]The life of a subscription", align="left")
    console.out.print(life_report.scenes(lived, own))
    console.out.print(life_report.timeline(lived))
    console.out.print(life_report.tried(lived))
    console.out.print(life_report.invoices(own))


def _done(text: str) -> None:
    console.out.print("[green]✓[/]", text)
