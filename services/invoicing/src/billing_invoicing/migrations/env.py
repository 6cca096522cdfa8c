"""Run by alembic through the role `migrate`."""

from billing_runtime.migrations import run_env

from billing_invoicing.storage.tables import metadata

run_env(metadata)
