"""What must hold at any moment, asked of the stack's databases: the services' own rules, and that no event was lost."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from uuid import UUID

from billing_devstack.specs import SERVICES
from billing_runtime.consumer import Consumer
from billing_runtime.database import Database
from billing_runtime.invariants import RUNTIME_INVARIANTS, active_tenants
from billing_runtime.jobs import job_call
from sqlalchemy.ext.asyncio import AsyncConnection

from billing_cli.checklist import Check
from billing_cli.inside import Inside, inside
from billing_cli.mesh import Mesh

NAME = "invariants"
BROKEN_MAX = 1000
SETTLE_S = 15.0
POLL_S = 0.2

_TOLD = "SELECT topic, type, event_id FROM outbox_archive WHERE position('.dead-letter' in topic) = 0"
_UNSENT = "SELECT count(*) FROM outbox"
_HEARD = "SELECT consumer, event_id FROM inbox"


@dataclass(frozen=True, slots=True)
class Heard:
    """What one consumer should have consumed of the events that were told, and what it has.

    `strays` were consumed but are not told: the archive forgets after a week, so old tenants have some.
    """

    consumer: str
    told: int
    heard: int
    missing: int
    strays: int

    @property
    def complete(self) -> bool:
        return self.missing == 0


async def check_stack(mesh: Mesh, tenant: UUID | None = None) -> list[Check]:
    """Every rule of every service, then every consumer; for one tenant, or for all that were active lately."""
    async with AsyncExitStack() as opened:
        insides = [await opened.enter_async_context(inside(mesh, spec.name)) for spec in SERVICES]
        checks = [check for each in insides for check in await _rules(each, tenant)]
        tenants = [tenant] if tenant else sorted({found for each in insides for found in await _tenants(each)})
        return [*checks, *(await _consumed(insides, tenants))]


async def check_tenant(mesh: Mesh, tenant: UUID) -> list[Check]:
    """Every consumer against what one fresh tenant's services told, once all is quiet or SETTLE_S has passed; then
    every service's own rules, one check a service."""
    async with AsyncExitStack() as opened:
        insides = [await opened.enter_async_context(inside(mesh, spec.name)) for spec in SERVICES]
        consumed = await _consumed(insides, [tenant], fresh=True)
        return [*consumed, *[summed(each.name, await _rules(each, tenant)) for each in insides]]


def summed(service: str, rules: Sequence[Check]) -> Check:
    """One check for all rules of a service; those that do not hold are named."""
    broken = [f"{rule.name}: {rule.detail}" for rule in rules if not rule.passed]
    return Check("rules", f"what {service} keeps is sound", not broken, "; ".join(broken) or f"{len(rules)} rules hold")


async def _tenants(service: Inside) -> list[UUID]:
    return await active_tenants(service.database)


async def _rules(service: Inside, tenant: UUID | None) -> list[Check]:
    tenants = [tenant] if tenant else await _tenants(service)
    broken = dict.fromkeys(service.rules, 0)
    for each in tenants:
        async with service.database.read(job_call(NAME, each)) as tx:
            for name, query in service.rules.items():
                broken[name] += await _rows(tx.conn, query)
    async with service.database.worker() as conn:
        broken |= {name: await _rows(conn, query) for name, query in RUNTIME_INVARIANTS.items()}
    return [
        Check(service.name, name.replace("_", " "), not rows, f"{rows} rows break it" if rows else "")
        for name, rows in broken.items()
    ]


async def _rows(conn: AsyncConnection, query: str) -> int:
    counted = f"SELECT count(*) FROM (SELECT FROM ({query}) AS rows LIMIT {BROKEN_MAX}) AS broken"
    return int((await conn.exec_driver_sql(counted)).scalar_one())


async def _consumed(insides: Sequence[Inside], tenants: Sequence[UUID], *, fresh: bool = False) -> list[Check]:
    """Of a fresh tenant every consumer was told something, and nothing was consumed that was not told."""
    consumers, unsent = await _settled(insides, tenants)
    checks = [
        Check(
            "events",
            f"{each.consumer} consumed every event once",
            each.complete and (not fresh or (each.told > 0 and not each.strays)),
            f"{each.told} told, {each.heard} consumed",
        )
        for each in consumers
    ]
    return [*checks, Check("events", "no event waits in an outbox", not unsent, f"{unsent} wait" if unsent else "")]


async def _settled(insides: Sequence[Inside], tenants: Sequence[UUID]) -> tuple[list[Heard], int]:
    """Looks until nothing is on its way, at most SETTLE_S."""
    deadline = asyncio.get_running_loop().time() + SETTLE_S
    while True:
        consumers, unsent = await _look(insides, tenants)
        quiet = not unsent and all(each.complete for each in consumers)
        if quiet or asyncio.get_running_loop().time() > deadline:
            return consumers, unsent
        await asyncio.sleep(POLL_S)


async def _look(insides: Sequence[Inside], tenants: Sequence[UUID]) -> tuple[list[Heard], int]:
    told: dict[tuple[str, str], set[UUID]] = {}
    heard: dict[str, set[UUID]] = {}
    unsent = 0
    for service in insides:
        for tenant in tenants:
            unsent += await _read(service.database, tenant, told, heard)
    return [compare(consumer, told, heard) for service in insides for consumer in service.consumers], unsent


async def _read(
    database: Database, tenant: UUID, told: dict[tuple[str, str], set[UUID]], heard: dict[str, set[UUID]]
) -> int:
    """Adds one service's rows of one tenant; answers how many of its events are not sent yet."""
    async with database.read(job_call(NAME, tenant)) as tx:
        unsent = int((await tx.conn.exec_driver_sql(_UNSENT)).scalar_one())
        for row in await tx.conn.exec_driver_sql(_TOLD):
            told.setdefault((row.topic, row.type), set()).add(row.event_id)
        for row in await tx.conn.exec_driver_sql(_HEARD):
            heard.setdefault(row.consumer, set()).add(row.event_id)
    return unsent


def compare(consumer: Consumer, told: Mapping[tuple[str, str], set[UUID]], heard: Mapping[str, set[UUID]]) -> Heard:
    """What the consumer handles of `told`, by topic and type, against what it has in its inbox."""
    wanted = [(topic, kind) for topic in consumer.topics for kind in consumer.handlers]
    due = set[UUID]().union(*(told.get(each, set()) for each in wanted))
    got = heard.get(consumer.name, set())
    return Heard(consumer.name, len(due), len(due & got), len(due - got), len(got - due))
