"""The tables of the sample service."""

from alembic import op
from billing_runtime.cache_hot import create_cache_hot
from billing_runtime.cache_triggers import tell_changes
from billing_runtime.migrations import bulk_table, create_runtime_tables, queue_table, tenant_table

from billing_testkit.sample.tables import METADATA

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_runtime_tables(op, "sample")
    create_cache_hot(op, "sample")
    METADATA.create_all(op.get_bind())
    tenant_table(op, "sample", "note", "customer_id")
    bulk_table(op, "sample", "reading", {"reading_1": "FOR VALUES IN (1)", "reading_rest": "DEFAULT"})
    queue_table(op, "sample", "due")
    tell_changes(op, "note", "customer_id")
    tell_changes(op, "note", "content", ("UPDATE", "DELETE"), text=True)
