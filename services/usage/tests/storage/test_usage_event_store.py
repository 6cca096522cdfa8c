"""Events on PostgreSQL: once each, whoever races; no tenant can be forged by COPY."""

import asyncio
from decimal import Decimal

import psycopg
import pytest
from billing_kernel.ids import uuid7
from billing_testkit.tenants import admin_call
from billing_usage.domain.event import Window, candidate_of
from billing_usage.storage.copy_rows import EVENT_COLUMNS, KEY_COLUMNS, event_rows, key_rows

JANUARY_S = 1_767_225_600


def raw(event_id, value="1", properties=None, source="s", seconds=JANUARY_S, nanos=0):
    return str(event_id), source, "api", "external_customer_id", "a'c\\N", seconds, nanos, value, properties


async def counts(open_tx):
    async with open_tx() as tx:
        row = await (
            await tx.raw.execute(
                "SELECT (SELECT count(*) FROM event_key), (SELECT count(*) FROM event),"
                " (SELECT coalesce(sum(accepted), 0) FROM ingest_batch),"
                " (SELECT coalesce(sum(duplicates), 0) FROM ingest_batch)"
            )
        ).fetchone()
    return tuple(row)


@pytest.mark.parametrize(
    "value",
    ["0", "-1", "12.5", "0.000000000000000001", "9" * 20 + "." + "9" * 18, "10000", "100000000.00000001"],
)
async def test_what_is_copied_is_what_was_sent(ingest, meter_id, open_tx, value):
    await ingest([raw("é✓\\", value, {"a": 'x"\\ü'}, seconds=-1, nanos=250_001_000)])
    async with open_tx() as tx:
        query = "SELECT meter_id, subject, source, id, properties, value, at FROM event"
        *found, stored, at = await (await tx.raw.execute(query)).fetchone()
    assert found == [meter_id, "external/a'c\\N", "s", "é✓\\", {"a": 'x"\\ü'}]
    assert stored == Decimal(value)
    assert at.isoformat() == "1969-12-31T23:59:59.250001+00:00"


async def test_batches_that_race_store_each_event_once(ingest, meter_id, open_tx):
    """Connections that hold the same identities in other orders: no deadlock, no loss, nothing twice."""
    batches = [[raw(number) for number in range(start, start + 300)] for start in (0, 100, 200, 0, 150)]
    batches += [list(reversed(batch)) for batch in batches[:2]]
    done = await asyncio.gather(*(ingest(batch) for batch in batches))
    assert sum(ingested.accepted for ingested in done) == 500
    assert sum(ingested.duplicates for ingested in done) == 7 * 300 - 500
    assert await counts(open_tx) == (500, 500, 500, 1600)


async def test_two_connections_with_other_content_agree_on_one(ingest, meter_id, open_tx):
    both = await asyncio.gather(ingest([raw(1, "1")]), ingest([raw(1, "2")]))
    assert sorted((each.accepted, each.rejected) for each in both) == [(0, 1), (1, 0)]
    assert await counts(open_tx) == (1, 1, 1, 0)


async def test_a_batch_waits_for_one_that_rolls_back_and_stores_the_event(ingest, meter_id, open_tx):
    waiting = []

    async def claim_and_fail():
        async with open_tx() as tx:
            await tx.raw.execute("INSERT INTO event_key VALUES (DEFAULT, 's', '1', 'x', %s)", (uuid7(),))
            waiting.append(asyncio.create_task(ingest([raw(1)])))
            while not await somebody_waits(open_tx):
                continue
            raise RuntimeError("the first one fails")

    with pytest.raises(RuntimeError):
        await claim_and_fail()
    assert (await waiting[0]).accepted == 1


async def somebody_waits(open_tx):
    """Whether another connection waits for a lock."""
    query = "SELECT count(*), pg_sleep(0.01) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    async with open_tx() as tx:
        return (await (await tx.raw.execute(query)).fetchone())[0]


async def test_a_second_tenant_may_use_the_same_identities(ingest, meter_id, units, open_tx):
    from billing_runtime.call import calling
    from billing_usage.domain.meter import Aggregation
    from billing_usage.operations.create_meter import NewMeter, create_meter

    other = uuid7()
    with calling(admin_call(other)):
        async with units.meters() as store:
            await create_meter(store, uuid7(), NewMeter("api", "API", "", Aggregation.SUM, {}))
    assert (await ingest([raw(1)])).accepted == 1
    assert (await ingest([raw(1)], other)).accepted == 1
    assert await counts(open_tx) == (1, 1, 1, 0)


def candidates():
    return [candidate_of(raw(1), {"api"}, Window(0, 2**62))]


@pytest.mark.parametrize(
    ("leaf", "columns", "rows"),
    [
        ("event_key_rows", KEY_COLUMNS, key_rows(uuid7().bytes, candidates())),
        ("event_rows", EVENT_COLUMNS, event_rows(uuid7().bytes, candidates(), {"api": uuid7().bytes})),
    ],
    ids=["event_key", "event"],
)
async def test_copy_takes_the_tenant_of_the_transaction_and_no_other(open_tx, tenant_id, leaf, columns, rows):
    async with open_tx() as tx, tx.copy(leaf, columns, types=("bytea",)) as copy:
        await copy.write(rows)
    parent = leaf.removesuffix("_rows")
    async with open_tx() as tx:
        assert await (await tx.raw.execute(f"SELECT tenant_id FROM {parent}")).fetchall() == [(tenant_id,)]
    async with open_tx(admin_call()) as tx:
        assert await (await tx.raw.execute(f"SELECT tenant_id FROM {parent}")).fetchall() == []
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with open_tx() as tx, tx.copy(leaf, ["tenant_id", *columns]) as copy:
            await copy.write_row([uuid7(), *columns])


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM event_rows",
        "SELECT * FROM event_key_rows",
        "DELETE FROM event",
        "UPDATE event SET value = 0",
        "DELETE FROM event_key",
        "UPDATE rating SET quantity = 0",
        "DELETE FROM ingest_batch",
    ],
)
async def test_nothing_of_an_event_is_edited_or_read_around_the_policies(open_tx, statement):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with open_tx() as tx:
            await tx.raw.execute(statement)
