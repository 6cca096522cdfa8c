"""Run by `python -m billing_subscriptions migrate`."""

from billing_runtime.migrations import run_env

from billing_subscriptions.storage import catalog_tables

run_env(catalog_tables.metadata)
