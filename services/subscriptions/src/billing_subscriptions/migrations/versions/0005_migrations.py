"""Bulk migrations of subscriptions to another plan version, with a row for each decision."""

import sqlalchemy as sa
from alembic import op
from billing_runtime.migrations import queue_table, tenant_table
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"

SERVICE = "subscriptions"
TENANT = sa.text("current_setting('app.tenant')::uuid")
NOW = sa.text("clock_timestamp()")
WORKER = "SELECT, UPDATE (worked_at, retry_at, failures)"


def upgrade() -> None:
    """Adds `subscription_migration`, which the job claims from, and `subscription_migration_result`."""
    _create_migration()
    _create_result()
    queue_table(op, SERVICE, "subscription_migration", worker_privileges=WORKER)
    tenant_table(op, SERVICE, "subscription_migration_result", "customer_id", privileges="SELECT, INSERT")


def _create_migration() -> None:
    op.create_table(
        "subscription_migration",
        _tenant(),
        sa.Column("migration_id", sa.Uuid(), nullable=False),
        sa.Column("from_version_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("to_version_id", sa.Uuid(), nullable=False),
        sa.Column("change_when", sa.Text(), nullable=True),
        sa.Column("proration", _json(), nullable=True),
        sa.Column("settlement", sa.Text(), nullable=True),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("cursor", sa.Uuid(), nullable=True),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("counts", _json(), nullable=False),
        sa.Column("totals", _json(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("worked_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("retry_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "migration_id", name="subscription_migration_pkey"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "to_version_id"],
            ["plan_version.tenant_id", "plan_version.plan_version_id"],
            name="subscription_migration_target",
        ),
        sa.CheckConstraint("state IN ('RUNNING', 'COMPLETE', 'CANCELED')", name="subscription_migration_state"),
        sa.CheckConstraint("(state = 'RUNNING') = (ended_at IS NULL)", name="subscription_migration_ended"),
    )
    op.create_index(
        "subscription_migration_running",
        "subscription_migration",
        ["worked_at"],
        postgresql_where=sa.text("state = 'RUNNING'"),
    )


def _create_result() -> None:
    op.create_table(
        "subscription_migration_result",
        _tenant(),
        sa.Column("migration_id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("charges_minor", sa.BigInteger(), nullable=False),
        sa.Column("credits_minor", sa.BigInteger(), nullable=False),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant_id", "migration_id", "subscription_id", name="subscription_migration_result_pkey"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "migration_id"],
            ["subscription_migration.tenant_id", "subscription_migration.migration_id"],
            name="subscription_migration_result_migration",
        ),
        sa.CheckConstraint(
            "outcome IN ('MIGRATED', 'SCHEDULED', 'SKIPPED', 'REFUSED')", name="subscription_migration_result_outcome"
        ),
        sa.CheckConstraint(
            "(outcome IN ('MIGRATED', 'SCHEDULED')) = (reason = '')", name="subscription_migration_result_reason"
        ),
    )


def _tenant() -> sa.Column[object]:
    return sa.Column("tenant_id", sa.Uuid(), server_default=TENANT, nullable=False)


def _json() -> postgresql.JSONB:
    return postgresql.JSONB(astext_type=sa.Text())
