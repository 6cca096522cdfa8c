"""Run by `python -m billing_subscriptions migrate`."""

from billing_runtime.migrations import run_env

from billing_subscriptions.storage.tables import metadata

run_env(metadata)
