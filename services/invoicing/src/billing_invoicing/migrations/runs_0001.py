"""Tables of runs, dues and test clocks, as migration 0001 makes them. Never edited once released."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from billing_invoicing.migrations.documents_0001 import INSTANT, tenant


def _create_settled_due() -> None:
    op.create_table(
        "settled_due",
        tenant(),
        sa.Column("due_id", sa.Uuid, nullable=False),
        sa.Column("run_id", sa.Uuid),
        sa.Column("subscription_id", sa.Uuid, nullable=False),
        sa.Column("payer_id", sa.Uuid, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("invoice_id", sa.Uuid),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("total_minor", sa.BigInteger, nullable=False),
        sa.Column("settled_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "due_id"),
        sa.CheckConstraint("outcome IN ('invoiced', 'parked', 'nothing_to_bill')", name="settled_due_outcome"),
        postgresql_partition_by="LIST (tenant_id)",
    )
    op.create_index("settled_due_run", "settled_due", ["tenant_id", "run_id"])


def _create_parked_due() -> None:
    op.create_table(
        "parked_due",
        tenant(),
        sa.Column("due_id", sa.Uuid, nullable=False),
        sa.Column("run_id", sa.Uuid),
        sa.Column("subscription_id", sa.Uuid, nullable=False),
        sa.Column("customer_id", sa.Uuid, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("parked_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "due_id"),
    )
    op.create_index("parked_due_order", "parked_due", ["tenant_id", "parked_at", "due_id"])


def _create_due_part() -> None:
    op.create_table(
        "due_part",
        tenant(),
        sa.Column("due_id", sa.Uuid, nullable=False),
        sa.Column("part", sa.Integer, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("received_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "due_id", "part"),
    )


def _create_billing_run() -> None:
    op.create_table(
        "billing_run",
        tenant(),
        sa.Column("run_id", sa.Uuid, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("as_of", INSTANT, nullable=False),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("published", sa.BigInteger, nullable=False),
        sa.Column("metadata", postgresql.JSONB, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("completed_at", INSTANT),
        sa.Column("worked_at", INSTANT, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("retry_at", INSTANT, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("failures", sa.Integer, server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "run_id"),
        sa.CheckConstraint("state IN ('claiming', 'settling', 'complete')", name="billing_run_state"),
        sa.CheckConstraint("mode IN ('draft', 'final')", name="billing_run_mode"),
    )
    op.create_index(
        "billing_run_open", "billing_run", ["tenant_id", "run_id"], postgresql_where=sa.text("state <> 'complete'")
    )


def _create_test_clock() -> None:
    op.create_table(
        "test_clock",
        tenant(),
        sa.Column("now_at", INSTANT, nullable=False),
        sa.Column("target_at", INSTANT),
        sa.Column("phase", sa.Text, nullable=False),
        sa.Column("settled", sa.Boolean, nullable=False),
        sa.Column("run_id", sa.Uuid),
        sa.Column("steps", sa.Integer, nullable=False),
        sa.Column("quiet", sa.Integer, nullable=False),
        sa.Column("moved", sa.BigInteger, nullable=False),
        sa.Column("idle", sa.Boolean, nullable=False),
        sa.Column("retry_at", INSTANT, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("failures", sa.Integer, server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id"),
    )


TABLES = (
    _create_settled_due,
    _create_parked_due,
    _create_due_part,
    _create_billing_run,
    _create_test_clock,
)
