"""Reading events to be rated: totals, totals by dimension, single events; the same events, one snapshot a statement."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from billing_kernel.period import Period
from billing_testkit.tenants import admin_call
from billing_usage.domain.measuring import NOTHING, SingleEvent, Totals
from billing_usage.domain.subscription import BEGINNING, END, Subject
from billing_usage.operations.ports import CellCount, Count, EventRead
from billing_usage.storage import counting
from billing_usage.storage.counting import PostgresEventReads

JANUARY = Period(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))
ACME, SUB = Subject("external/acme", BEGINNING, END), Subject("sub_" + "0" * 26, BEGINNING, END)
NOBODY = Subject("external/nobody", BEGINNING, END)
# id, source, subject, hour, value, properties
EVENTS = [
    ("b", "s", "acme", 0, "2", {"region": "eu", "kind": "ssd"}),
    ("a", "s", "acme", 0, "3", {"region": "eu"}),
    ("a", "r", SUB.text, 0, "4", {"region": "us", "kind": ""}),
    ("c", "s", SUB.text, 1, "5.5", {"region": "mars", "zone": "x"}),
    ("d", "s", "acme", 2, "-1", None),
    ("e", "s", "acme", 31 * 24, "100", {"region": "eu"}),
]


def raw(event_id, source, subject, hour, value, properties):
    field = "subscription_id" if subject.startswith("sub_") else "external_customer_id"
    seconds = int(JANUARY.start.timestamp()) + hour * 3600
    return event_id, source, "api", field, subject, seconds, 0, value, properties


@pytest.fixture
async def count_of(ingest, meter_id):
    """`count_of(subject, ...)`: of January, after the events have been stored."""
    await ingest([raw(*event) for event in EVENTS])
    return lambda *subjects, period=JANUARY: Count(meter_id, subjects, period)


@pytest.fixture
async def reads(usage_database, tenant_id):
    """In a transaction that cannot write, as GetUsage has it."""
    async with usage_database.read(admin_call(tenant_id)) as tx:
        yield PostgresEventReads(tx)


def totals(count, total, largest):
    return Totals(count, Fraction(total), Fraction(largest))


async def test_totals(count_of, reads):
    first_hour = Period(JANUARY.start, JANUARY.start + timedelta(hours=1))
    counted = await reads.count(
        [count_of(ACME, NOBODY, SUB), count_of(NOBODY), count_of(SUB), count_of(ACME, period=first_hour), count_of()]
    )
    assert counted.totals == [totals(5, "13.5", "5.5"), NOTHING, totals(2, "9.5", "5.5"), totals(2, 5, 3), NOTHING]
    assert counted.snapshot


async def test_totals_by_dimension(count_of, reads):
    region = CellCount(count_of(ACME, SUB), ("region",), (("eu", "us"),))
    both = CellCount(count_of(NOBODY, ACME, SUB), ("region", "kind"), (("eu",), ("ssd", "")))
    nobody = CellCount(count_of(NOBODY), ("region",), (("eu",),))
    nameless = CellCount(count_of(), ("region",), (("eu",),))
    found = await reads.cells([region, nobody, both, nameless])
    assert found.snapshot
    assert found.cells == [
        {("eu",): totals(2, 5, 3), ("us",): totals(1, 4, 4), (None,): totals(2, "4.5", "5.5")},
        {},
        {
            ("eu", "ssd"): totals(1, 2, 2),
            ("eu", None): totals(1, 3, 3),
            (None, ""): totals(1, 4, 4),
            (None, None): totals(2, "4.5", "5.5"),
        },
        {},
    ]


async def test_even_nothing_has_its_snapshot(count_of, reads):
    assert (await reads.cells([CellCount(count_of(NOBODY), ("region",), (("eu",),))])).snapshot
    (read,) = [read async for read in reads.events([EventRead(count_of(NOBODY), ())], 10)]
    assert (list(read.events), bool(read.snapshot)) == ([], True)


async def test_single_events_in_order_of_time_source_and_id(count_of, reads, monkeypatch):
    monkeypatch.setattr(counting, "FETCHED", 2)
    asked = [
        EventRead(count_of(), ()),
        EventRead(count_of(ACME, SUB), ("region", "zone")),
        EventRead(count_of(NOBODY), ()),
        EventRead(count_of(NOBODY, SUB, ACME), ()),
        EventRead(count_of(), ()),
    ]
    found = [list(read.events) async for read in reads.events(asked, 100)]
    assert [len(each) for each in found] == [0, 5, 0, 5, 0]
    assert [each.value for each in found[1]] == [4, 3, 2, Fraction("5.5"), -1]
    assert found[1][0] == SingleEvent(JANUARY.start, Fraction(4), {"region": "us"})
    assert found[1][3].properties == {"region": "mars", "zone": "x"}
    assert [each.value for each in found[3]] == [each.value for each in found[1]]
    assert all(each.properties == {} for each in found[3])


@pytest.mark.parametrize("limit", [1, 3])
async def test_no_more_single_events_than_asked(count_of, reads, limit):
    asked = [EventRead(count_of(ACME, SUB), ()), EventRead(count_of(ACME), ())]
    found = [[each.value for each in read.events] async for read in reads.events(asked, limit)]
    assert found == [[4, 3, 2][:limit], [3, 2, -1][:limit]]


async def test_nothing_asked(reads):
    assert [read async for read in reads.events([], 10)] == []
    assert ((await reads.count([])).totals, (await reads.cells([])).cells) == ([], [])
