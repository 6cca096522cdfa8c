"""Tables and migrations agree, and what ran before the life migration has a history afterwards."""

import psycopg
from billing_devstack import databases
from billing_kernel.ids import uuid7
from billing_runtime.migrations import upgrade
from billing_subscriptions.storage import catalog_tables, migration_tables, tables
from billing_testkit.migrations import assert_tables_match_migrations
from psycopg.types.json import Jsonb


def test_tables_match_migrations(service_database):
    assert catalog_tables.metadata is migration_tables.metadata is tables.metadata
    database = service_database("subscriptions", "billing_subscriptions")
    assert_tables_match_migrations(tables.metadata, database.migration_database_url)


def test_prices_that_were_sold_before_are_found_by_their_id(postgres, stack_folder):
    """The revision of the catalogue enters what versions hold, whatever row-level security says to the owner."""
    keys = databases.passwords(stack_folder / "secrets", "subscriptions")
    database = databases.provision(postgres.dsn, "subscriptions", keys, "billing_subscriptions_before_prices")
    url = database.migration_database_url
    upgrade("billing_subscriptions", url, "0002")
    tenant, plan, version, price = (uuid7() for _ in range(4))
    item = {"price_id": str(price), "code": "base"}
    with psycopg.connect(url) as conn:
        for table in ("plan", "plan_version"):
            conn.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        conn.execute(
            "INSERT INTO plan (tenant_id, plan_id, code, name, metadata, version, created_at, updated_at)"
            " VALUES (%s, %s, 'pro', 'Pro', '{}', 1, now(), now())",
            [tenant, plan],
        )
        conn.execute(
            "INSERT INTO plan_version (tenant_id, plan_version_id, plan_id, number, state, currency, interval_unit,"
            " interval_count, trial_days, items, created_at, published_at)"
            " VALUES (%s, %s, %s, 1, 'PUBLISHED', 'EUR', 'month', 1, 0, %s, now(), now())",
            [tenant, version, plan, Jsonb([item])],
        )
        for table in ("plan", "plan_version"):
            conn.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    upgrade("billing_subscriptions", url)
    with psycopg.connect(url) as conn:
        conn.execute("ALTER TABLE price NO FORCE ROW LEVEL SECURITY")
        found = conn.execute("SELECT tenant_id, price_id, plan_version_id, item_code, currency FROM price").fetchall()
        conn.rollback()
    assert found == [(tenant, price, version, "base", "EUR")]
