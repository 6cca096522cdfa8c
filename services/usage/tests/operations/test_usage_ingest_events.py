"""The two ways of storing a batch, against a store in memory that can be beaten and can collide."""

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from billing_kernel.errors import DomainError, Kind
from billing_usage.domain.ingestion import TimeLimits
from billing_usage.domain.recent_ids import RecentIds
from billing_usage.operations.ingest_events import Intake, ingest_events
from billing_usage.operations.ports import DuplicateFound

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TENANT = UUID(int=1)
SUB = "sub_01h455vb4pex5vsknk084sn02q"


class Collided(DomainError):
    kind = Kind.UNAVAILABLE
    reason = "TRANSACTION_COLLIDED"


@dataclass
class Store:
    """What is committed, and what happened on the way."""

    keys: dict = field(default_factory=dict)
    batches: list = field(default_factory=list)
    ways: list = field(default_factory=list)
    collide: int = 0

    @asynccontextmanager
    async def begin(self):
        if self.collide:
            self.collide -= 1
            raise Collided("again")
        unit = Unit(self)
        yield unit
        self.keys |= unit.fresh
        self.batches += unit.batches


class Unit:
    def __init__(self, store):
        self.store, self.fresh, self.batches = store, {}, []

    async def now(self):
        return NOW

    async def meter_codes(self, wanted):
        return {"api": UUID(int=2)}

    async def find_keys(self, keys):
        self.store.ways.append("find")
        return {key: self.store.keys[key] for key in keys if key in self.store.keys}

    async def claim_keys(self, batch_id, candidates):
        self.store.ways.append("claim")
        self.fresh = {c[:2]: c[2] for c in candidates if c[:2] not in self.store.keys}
        return self.fresh.keys()

    async def copy_events(self, batch_id, candidates, meters, *, claimed):
        self.store.ways.append("copy")
        if not claimed:
            if any(c[:2] in self.store.keys for c in candidates):
                raise DuplicateFound
            self.fresh = {c[:2]: c[2] for c in candidates}

    async def add_batch(self, batch):
        self.batches.append((batch.accepted, batch.duplicates, batch.rejected))


@pytest.fixture
def store():
    return Store()


@pytest.fixture
def intake():
    return Intake(TimeLimits(timedelta(minutes=5), timedelta(days=1)), RecentIds())


def raw(event_id, value="1"):
    return event_id, "", "api", "subscription_id", SUB, int(NOW.timestamp()), 0, value, None


async def test_a_fresh_batch_is_copied_at_once(store, intake):
    ingested = await ingest_events(store.begin, intake, TENANT, [raw("a"), raw("b"), raw("c", "x")])
    assert (ingested.accepted, ingested.duplicates, ingested.rejected) == (2, 0, 1)
    assert store.ways == ["copy"]
    assert store.batches == [(2, 0, 1)]


async def test_recent_duplicates_are_looked_up_and_the_rest_is_copied(store, intake):
    await ingest_events(store.begin, intake, TENANT, [raw("a")])
    ingested = await ingest_events(store.begin, intake, TENANT, [raw("a"), raw("b")])
    assert (ingested.accepted, ingested.duplicates) == (1, 1)
    assert store.ways == ["copy", "find", "copy"]


async def test_a_filter_that_knows_nothing_costs_a_second_way_and_no_event(store, intake):
    await ingest_events(store.begin, intake, TENANT, [raw("a")])
    forgetful = Intake(intake.limits, RecentIds())
    ingested = await ingest_events(store.begin, forgetful, TENANT, [raw("a", "2"), raw("b"), raw("a")])
    assert (ingested.accepted, ingested.duplicates, ingested.rejected) == (1, 1, 1)
    assert store.ways == ["copy", "copy", "claim", "copy", "find"]
    assert store.batches == [(1, 0, 0), (1, 1, 1)]


async def test_a_filter_that_is_wrong_stores_the_event_all_the_same(store, intake):
    await ingest_events(store.begin, intake, TENANT, [raw("a")])
    store.keys.clear()
    ingested = await ingest_events(store.begin, intake, TENANT, [raw("a")])
    assert ingested.accepted == 1


async def test_only_refused_events_write_nothing(store, intake):
    await ingest_events(store.begin, intake, TENANT, [raw("a", "x")])
    assert store.batches == []


async def test_a_collision_is_repeated_three_times_at_most(store, intake):
    store.collide = 2
    assert (await ingest_events(store.begin, intake, TENANT, [raw("a")])).accepted == 1
    store.collide = 3
    with pytest.raises(Collided):
        await ingest_events(store.begin, intake, TENANT, [raw("b")])
