"""Tables and migrations agree, and what ran before the life migration has a history afterwards."""

from billing_subscriptions.storage import catalog_tables, migration_tables, tables
from billing_testkit.migrations import assert_tables_match_migrations


def test_tables_match_migrations(service_database):
    assert catalog_tables.metadata is migration_tables.metadata is tables.metadata
    database = service_database("subscriptions", "billing_subscriptions")
    assert_tables_match_migrations(tables.metadata, database.migration_database_url)
