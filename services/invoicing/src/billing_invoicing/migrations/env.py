"""Run by alembic through the role `migrate`."""

from billing_runtime.migrations import run_env

from billing_invoicing.storage import credit_tables, tables
from billing_invoicing.storage.columns import metadata

assert metadata.tables.keys() >= {tables.invoice.name, credit_tables.account_credit.name}

run_env(metadata)
