"""IngestEvents and IngestCloudEvents: stores a batch, each identity once, and answers a result per event.

First the quick way: identities that were stored recently are looked up, all others are copied, and a unique key says
whether that was right. Where it was not, the batch goes the careful way, which asks for each identity. Both ways write
one row per batch whose counts are those of the answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from billing_kernel.errors import DomainError
from billing_kernel.ids import uuid7

from billing_usage.domain.errors import Refusal
from billing_usage.domain.event import Key, RawEvent
from billing_usage.domain.ingestion import Checked, Ingested, TimeLimits, check, judge
from billing_usage.domain.recent_ids import RecentIds
from billing_usage.operations.ports import BeginEvents, DuplicateFound, EventStore

COLLIDED = "TRANSACTION_COLLIDED"
TRIES = 3

Raws = Sequence[RawEvent | Refusal]


@dataclass(frozen=True, slots=True)
class Intake:
    """What all batches of a process share."""

    limits: TimeLimits
    recent: RecentIds


async def ingest_events(begin: BeginEvents, intake: Intake, tenant_id: UUID, raws: Raws) -> Ingested:
    """Returns once everything accepted is committed. Repeats a batch that collided with another one."""
    careful = False
    for attempt in range(1, TRIES + 1):
        try:
            return await _store(begin, intake, tenant_id, raws, careful=careful)
        except DuplicateFound:
            careful = True
        except DomainError as error:
            if error.reason != COLLIDED or attempt == TRIES:
                raise
    return await _store(begin, intake, tenant_id, raws, careful=True)


async def _store(begin: BeginEvents, intake: Intake, tenant_id: UUID, raws: Raws, *, careful: bool) -> Ingested:
    async with begin() as store:
        wanted = {raw[2] for raw in raws if type(raw) is tuple}
        meters = await store.meter_codes(wanted)
        checked = check(raws, meters, intake.limits.window(await store.now()))
        batch_id, marks = uuid7(), intake.recent.marks(tenant_id, checked.candidates)
        if careful:
            ingested = await _store_carefully(store, checked, batch_id, meters)
        else:
            likely = [checked.candidates[index][:2] for index in intake.recent.likely(marks)]
            ingested = await _store_quickly(store, checked, batch_id, meters, likely)
        if checked.good:
            await store.add_batch(ingested.batch(batch_id))
    intake.recent.add(marks)
    return ingested


async def _store_quickly(
    store: EventStore, checked: Checked, batch_id: UUID, meters: Mapping[str, UUID], likely: list[Key]
) -> Ingested:
    stored = await store.find_keys(likely) if likely else {}
    fresh = [c for c in checked.candidates if (c[0], c[1]) not in stored] if stored else checked.candidates
    if fresh:
        await store.copy_events(batch_id, fresh, meters, claimed=False)
    return judge(checked, stored)


async def _store_carefully(store: EventStore, checked: Checked, batch_id: UUID, meters: Mapping[str, UUID]) -> Ingested:
    claimed = await store.claim_keys(batch_id, checked.candidates)
    fresh = [c for c in checked.candidates if (c[0], c[1]) in claimed]
    if fresh:
        await store.copy_events(batch_id, fresh, meters, claimed=True)
    rest = [(c[0], c[1]) for c in checked.candidates if (c[0], c[1]) not in claimed]
    return judge(checked, await store.find_keys(rest) if rest else {})
