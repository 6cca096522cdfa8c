"""billing invariants, billing dead-letters list | replay | skip."""

import asyncio
from typing import Annotated
from uuid import UUID

import typer
from billing_kernel.errors import DomainError
from billing_runtime import replay as dead_letters
from billing_runtime.database import Database
from rich import box
from rich.table import Table

from billing_cli import console
from billing_cli.checklist import checklist, verdict
from billing_cli.errors import BadArgument, CliError
from billing_cli.inside import Inside, inside
from billing_cli.invariants import check_stack
from billing_cli.mesh import DEFAULT_DIR, Mesh, tenant_of
from billing_cli.options import Dir

BROKEN_EXIT = 1
ACTOR = "user:cli"
_WAITING = """SELECT tenant_id, consumer, key, event_id, type, state, reason, parked_at FROM dead_letter
WHERE state IN ('failed', 'waiting') ORDER BY position LIMIT 200"""
_ONE = "SELECT tenant_id, consumer FROM dead_letter WHERE event_id = %s AND state IN ('failed', 'waiting')"

ServiceName = Annotated[str, typer.Argument(help="The service that failed to take the event.")]


def invariants(
    tenant: Annotated[str | None, typer.Option(help="One tenant; default: all that were active lately.")] = None,
    root: Dir = DEFAULT_DIR,
) -> None:
    """Ask every service's rules of the stack's databases; exit code 1 when one is broken."""
    mesh = Mesh.of(root)
    with console.err.status("asking the databases"):
        checks = asyncio.run(check_stack(mesh, tenant_of(tenant) if tenant else None))
    console.out.print(checklist(checks))
    console.out.print(verdict(checks))
    if not all(check.passed for check in checks):
        raise typer.Exit(BROKEN_EXIT)


def list_letters(service: ServiceName, root: Dir = DEFAULT_DIR) -> None:
    """List events that failed for good, and those that wait behind them."""
    table = asyncio.run(_list(Mesh.of(root), service))
    console.out.print(table if table.row_count else f"{service}: no event waits")


def replay(
    service: ServiceName,
    key: Annotated[str | None, typer.Option(help="One key; default: all.")] = None,
    root: Dir = DEFAULT_DIR,
) -> None:
    """Run the waiting events again, in order; exit code 1 when a key is stuck still."""
    done, stuck = asyncio.run(_replay(Mesh.of(root), service, key))
    console.out.print(f"{done} events took effect")
    for name, reason in stuck.items():
        console.out.print(f"[red]stuck[/] {name}: {reason}")
    if stuck:
        raise typer.Exit(BROKEN_EXIT)


def skip(
    service: ServiceName,
    event: Annotated[str, typer.Option(help="The event's id.")],
    reason: Annotated[str, typer.Option(help="Why it is given up; kept on record.")],
    root: Dir = DEFAULT_DIR,
) -> None:
    """Give one event up for good, so that those behind it go on with the next replay."""
    try:
        asyncio.run(_skip(Mesh.of(root), service, tenant_of(event), reason))
    except DomainError as refusal:
        raise CliError(f"{refusal.reason}: {refusal.message}") from refusal
    console.out.print(f"skipped {event}; run the rest: billing dead-letters replay {service}")


async def _list(mesh: Mesh, service: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("event", "tenant", "key", "type", "state", "reason", "since"):
        table.add_column(name, overflow="fold")
    async with inside(mesh, service) as opened, opened.database.worker() as conn:
        for row in await conn.exec_driver_sql(_WAITING):
            short = row.type.rpartition(".")[2]
            since = f"{row.parked_at:%Y-%m-%d %H:%M:%S}"
            table.add_row(str(row.event_id), str(row.tenant_id), row.key, short, row.state, row.reason, since)
    return table


async def _replay(mesh: Mesh, service: str, key: str | None) -> tuple[int, dict[str, str]]:
    done = 0
    stuck: dict[str, str] = {}
    async with inside(mesh, service) as opened:
        for consumer in opened.consumers:
            result = await dead_letters.replay(opened.database, consumer, key)
            done += result.done
            stuck |= {f"{tenant} {name}": reason for (tenant, name), reason in result.stuck.items()}
    return done, stuck


async def _skip(mesh: Mesh, service: str, event: UUID, reason: str) -> None:
    async with inside(mesh, service) as opened:
        for tenant, consumer in await _waiting(opened, event):
            await dead_letters.skip(opened.database, consumer, tenant, event, actor=ACTOR, reason=reason)


async def _waiting(opened: Inside, event: UUID) -> list[tuple[UUID, str]]:
    """(tenant, consumer) of an event that waits. Raises BadArgument when it does not."""
    found = await _rows(opened.database, event)
    if not found:
        raise BadArgument(f"event {event} does not wait in {opened.name}", f"billing dead-letters list {opened.name}")
    return found


async def _rows(database: Database, event: UUID) -> list[tuple[UUID, str]]:
    async with database.worker() as conn:
        return [(row.tenant_id, row.consumer) for row in await conn.exec_driver_sql(_ONE, (event,))]
