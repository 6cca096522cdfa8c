"""Alembic's entry: the runtime runs the versions beside it."""

from billing_runtime.migrations import run_env

from billing_usage.storage.tables import metadata

run_env(metadata)
