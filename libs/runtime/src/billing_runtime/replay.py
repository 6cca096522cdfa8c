"""What an operator does about dead letters: run them again, or give one up on record."""

from dataclasses import dataclass
from uuid import UUID

import structlog

from billing_runtime import dead_letter, inbox
from billing_runtime.call import Call, Role, calling
from billing_runtime.consumer import Consumer, Processor, call_of, reason_of
from billing_runtime.database import Database
from billing_runtime.tracing import continued

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Replayed:
    """Events that took effect, and (tenant, key) -> reason of the queues that are stuck still."""

    done: int
    stuck: dict[tuple[UUID, str], str]


async def replay(database: Database, consumer: Consumer, key: str | None = None) -> Replayed:
    """Runs the waiting events of one key (of any tenant), or of all, in order; each key stops at its first failure."""
    processor = Processor(database, consumer)
    done = 0
    stuck: dict[tuple[UUID, str], str] = {}
    for tenant_id, parked in await dead_letter.parked_keys(database, consumer.name):
        if key is not None and parked != key:
            continue
        try:
            while await _replay_head(processor, tenant_id, parked):
                done += 1
        except Exception as error:
            log.warning("replay stopped", consumer=consumer.name, key=parked, error=type(error).__name__)
            stuck[tenant_id, parked] = reason_of(error)
    return Replayed(done, stuck)


async def skip(database: Database, consumer: str, tenant_id: UUID, event_id: UUID, *, actor: str, reason: str) -> None:
    """Gives up one event for one consumer; who and why stay on its row. Raises NotFound, and Invalid without reason."""
    call = Call(tenant_id=tenant_id, actor=actor, role=Role.SERVICE)
    async with database.begin(call) as tx:
        await dead_letter.skip(tx, consumer, event_id, actor, reason)


async def _replay_head(processor: Processor, tenant_id: UUID, key: str) -> bool:
    """One event in one transaction; False when the key's queue is empty."""
    name = processor.consumer.name
    async with processor.database.begin(Call(tenant_id=tenant_id, actor=f"replay:{name}", role=Role.SERVICE)) as tx:
        await dead_letter.lock_key(tx, name, key)
        event = await dead_letter.head(tx, name, key)
        if event is None:
            return False
        tx.adopt(call_of(name, [event]))
        if await inbox.mark(tx, name, event.id):
            with calling(tx.call), continued(tx.call.traceparent):
                await processor.handle(tx, [event])
        await dead_letter.resolve(tx, name, event.id, "replayed", f"replay:{name}", "")
    return True
