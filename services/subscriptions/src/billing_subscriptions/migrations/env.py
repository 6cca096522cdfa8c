"""Run by `python -m billing_subscriptions migrate`."""

from billing_runtime.migrations import run_env

from billing_subscriptions.storage.catalog_tables import product
from billing_subscriptions.storage.migration_tables import subscription_migration
from billing_subscriptions.storage.tables import metadata

assert product.metadata is subscription_migration.metadata is metadata, "all tables of the service are known here"
run_env(metadata)
