"""Run by `python -m billing_subscriptions migrate`."""

from billing_runtime.migrations import run_env

from billing_subscriptions.storage import catalog_tables, migration_tables

assert catalog_tables.metadata is migration_tables.metadata, "all tables of the service are known here"
run_env(catalog_tables.metadata)
