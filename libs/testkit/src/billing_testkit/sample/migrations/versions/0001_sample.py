"""The tables of the sample service."""

from alembic import op
from billing_runtime.migrations import bulk_table, create_runtime_tables, queue_table, tenant_table

from billing_testkit.sample.tables import METADATA

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_runtime_tables(op, "sample")
    METADATA.create_all(op.get_bind())
    tenant_table(op, "sample", "note", "customer_id")
    bulk_table(op, "sample", "reading", {"reading_1": "FOR VALUES IN (1)", "reading_rest": "DEFAULT"})
    queue_table(op, "sample", "due")
