"""Tables in code are the tables in the database, and the invariants notice what they are for."""

import pytest
from billing_kernel.ids import uuid7
from billing_runtime.invariants import broken_rules
from billing_testkit.migrations import assert_tables_match_migrations
from billing_usage.storage.invariants import INVARIANTS
from billing_usage.storage.tables import metadata

JANUARY_S = 1_767_225_600


@pytest.mark.filterwarnings("ignore:Did not recognize type")  # xid8 and pg_snapshot, which SQLAlchemy does not know
def test_tables_match_migrations(service_database):
    assert_tables_match_migrations(metadata, service_database("usage", "billing_usage").migration_database_url)


async def broken(tx):
    found = {}
    for name, query in INVARIANTS.items():
        row = await (await tx.raw.execute(f"SELECT count(*) FROM ({query}) AS rows")).fetchone()
        found[name] = row[0]
    return {name for name, count in found.items() if count}


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("INSERT INTO event_key VALUES (DEFAULT, 's', 'x', 'x', gen_random_uuid())", {"every_key_has_its_event"}),
        ("INSERT INTO ingest_batch VALUES (DEFAULT, gen_random_uuid(), 1, 0, 0)", {"accepted_is_stored"}),
        (
            "INSERT INTO event SELECT tenant_id, meter_id, subject, at, value, source, 'x', properties, batch_id"
            " FROM event",
            {"accepted_is_stored", "every_key_has_its_event"},
        ),
        ("SELECT 1", set()),
    ],
)
async def test_invariants_notice(ingest, meter_id, open_tx, statement, rule):
    raw = ("1", "s", "api", "external_customer_id", "acme", JANUARY_S, 0, "1", None)
    await ingest([raw])
    async with open_tx() as tx:
        await tx.raw.execute(statement)
        assert await broken(tx) == rule
        await tx.raw.execute("ROLLBACK; BEGIN")


async def test_the_runtime_can_ask_them(usage_database):
    assert not (await broken_rules(usage_database, INVARIANTS)).keys() & INVARIANTS.keys()


async def test_a_rating_that_is_not_what_was_counted_is_noticed(ingest, meter_id, open_tx):
    raw = ("1", "s", "api", "external_customer_id", "acme", JANUARY_S, 0, "1", None)
    await ingest([raw])
    async with open_tx() as tx:
        insert = """INSERT INTO rating SELECT m.tenant_id, %s, %s, %s, %s, 'api', '2026-01-01', '2026-02-01',
            {quantity}, 1, 0, 1, 'EUR', 0, '',
            '[["external/acme", "0001-01-01T00:00:00+00:00", "9999-01-01T00:00:00+00:00"]]',
            pg_current_snapshot() FROM meter m"""
        await tx.raw.execute(insert.format(quantity=1), [uuid7() for _ in range(4)])
        assert await broken(tx) == set()
        await tx.raw.execute(insert.format(quantity=2), [uuid7() for _ in range(4)])
        assert await broken(tx) == {"rated_is_raw_at_the_freeze"}
        await tx.raw.execute("ROLLBACK; BEGIN")
