"""billing migrate: moves all subscriptions of a plan version to another one."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

import typer
from billing_kernel.money import Money
from rich.table import Table

from billing_cli import console
from billing_cli.mesh import DEFAULT_DIR, Mesh
from billing_cli.options import Dir, Tenant
from billing_cli.rest import Json, RestClient

POLL_S = 0.2
REFUSED_EXIT = 2
REASONS_MAX = 1000  # refused subscriptions that are read to count their reasons
RUNNING = "MIGRATION_STATE_RUNNING"
OUTCOMES = ("migrated", "scheduled", "skipped", "refused")


class When(StrEnum):
    NOW = "now"
    PERIOD_END = "period-end"


class Settle(StrEnum):
    NEXT_INVOICE = "next-invoice"
    AT_ONCE = "at-once"
    NO_CREDIT = "no-credit"


def migrate(
    source: Annotated[str, typer.Argument(metavar="PLAN_VERSION", help="pv_... whose subscriptions move.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="pv_... they move to.")],
    also: Annotated[list[str] | None, typer.Option("--also", help="Another version of the same plan.")] = None,
    when: Annotated[When | None, typer.Option(help="Default: as the plan version says.")] = None,
    settlement: Annotated[Settle | None, typer.Option(help="Default: as the plan version says.")] = None,
    reason: Annotated[str, typer.Option(help="Why, for the timelines.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Work out what would happen, change nothing.")] = False,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Show progress until it is complete.")] = False,
    tenant: Tenant = None,
    root: Dir = DEFAULT_DIR,
) -> None:
    """Move all subscriptions of a plan version; exit code 2 when a watched migration had to refuse some."""
    mesh = Mesh.of(root)
    body = body_of([source, *(also or ())], target, when, settlement, reason, dry_run)
    found, reasons = asyncio.run(carried_out(mesh.client(mesh.tenant(tenant)), body, watch))
    tell(found, reasons)
    if watch and count(found, "refused"):
        raise typer.Exit(REFUSED_EXIT)


def body_of(
    sources: list[str], target: str, when: When | None, settlement: Settle | None, reason: str, dry_run: bool
) -> Json:
    """The request; what is left open is left to the plan version."""
    body: Json = {
        "from_plan_version_ids": sources,
        "to_plan_version_id": target,
        "reason": reason,
        "dry_run": dry_run,
    }
    if when is not None:
        body["when"] = f"CHANGE_WHEN_{when.name}"
    if settlement is not None:
        body["settlement"] = f"SETTLEMENT_{settlement.name}"
    return body


def count(migration: Json, field: str) -> int:
    """A counter: int64 travels as text, zero may be left out."""
    return int(migration.get(field, 0))


def summary(migration: Json) -> str:
    """One line about a migration."""
    counts = ", ".join(f"{count(migration, name):,} {name}" for name in OUTCOMES)
    state = str(migration.get("state", "")).removeprefix("MIGRATION_STATE_").lower()
    dry = ", dry run" if migration.get("dry_run") else ""
    done = f"{count(migration, 'processed'):,} of {count(migration, 'total'):,}"
    return f"{migration.get('migration_id', '')} {state}{dry}: {done}; {counts}"


def totals_of(migration: Json) -> list[tuple[str, str, str]]:
    """Charges, credits and what they come to, one row a currency."""
    found = []
    for total in migration.get("totals", ()):
        charged, credited = _money(total.get("charges")), _money(total.get("credits"))
        found.append((str(charged), str(credited), str(charged + credited)))
    return found


def tell(migration: Json, reasons: Mapping[str, int]) -> None:
    """The summary, the money, and why subscriptions were refused."""
    console.out.print(summary(migration), markup=False, soft_wrap=True)
    if totals := totals_of(migration):
        table = Table(box=None, header_style="bold", pad_edge=False)
        for title in ("charges", "credits", "net"):
            table.add_column(title, justify="right")
        for row in totals:
            table.add_row(*row)
        console.out.print(table)
    for reason, number in reasons.items():
        console.err.print(f"{number:>7,}  {reason}", style="yellow", markup=False)
    if reasons:
        path = f"/v1/migrations/{migration['migration_id']}/results?outcome=MIGRATION_OUTCOME_REFUSED"
        console.err.print(f"each of them: GET {path}", style="yellow", markup=False, soft_wrap=True)


async def carried_out(client: RestClient, body: Json, watch: bool) -> tuple[Json, Mapping[str, int]]:
    """The migration, at its end when it is watched, and how often each reason of a refusal was given."""
    async with client:
        started: Json = (await client.post("/v1/migrations", body))["migration"]
        found = await _watched(client, started) if watch else started
        return found, await _reasons(client, found) if count(found, "refused") else {}


async def _watched(client: RestClient, migration: Json) -> Json:
    with console.work_bar() as bar:
        doing = "working out" if migration.get("dry_run") else "migrating"
        task = bar.add_task(doing, total=count(migration, "total"), rate="", failures="")
        while True:
            speed, refused = bar.tasks[task].speed, count(migration, "refused")
            done = count(migration, "processed")
            bar.update(
                task,
                total=max(count(migration, "total"), done),
                completed=done,
                rate=f"{speed:,.0f}/s" if speed else "",
                failures=f"{refused:,} refused" if refused else "",
            )
            if migration.get("state") != RUNNING:
                return migration
            await asyncio.sleep(POLL_S)
            migration = (await client.get(f"/v1/migrations/{migration['migration_id']}"))["migration"]


async def _reasons(client: RestClient, migration: Json) -> Mapping[str, int]:
    """How often each reason was given, the most frequent first."""
    path = f"/v1/migrations/{migration['migration_id']}/results"
    page = await client.get(path, outcome="MIGRATION_OUTCOME_REFUSED", page_size=str(REASONS_MAX))
    return dict(Counter(str(each.get("reason", "")) for each in page.get("results", ())).most_common())


def _money(given: Json | None) -> Money:
    found = given or {}
    return Money(str(found.get("currency_code", "")), int(found.get("amount_minor", 0)))
