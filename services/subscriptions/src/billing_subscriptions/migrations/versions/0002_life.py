"""The life of a subscription: cycles, scheduled changes, pauses, coupons, what waits for an invoice, its history."""

import sqlalchemy as sa
from alembic import op
from billing_runtime.migrations import bulk_table, queue_table
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"

SERVICE = "subscriptions"
TENANT = sa.text("current_setting('app.tenant')::uuid")
STATES = "'SCHEDULED', 'INCOMPLETE', 'TRIALING', 'ACTIVE', 'PAST_DUE', 'PAUSED', 'CANCELED', 'EXPIRED'"


def upgrade() -> None:
    """Adds columns and tables; what runs already has its present state as the first entry of its history."""
    _widen_subscription()
    _relax_constraints()
    op.alter_column("billing_due", "run_id", nullable=True)
    op.alter_column("billing_due", "period_index", nullable=True)
    _create_subscription_change()
    _create_payment_method()
    _backfill()
    bulk_table(
        op,
        SERVICE,
        "subscription_change",
        ("subscription_change_rows",),
        "customer_id",
        privileges="SELECT, INSERT",
    )
    queue_table(op, SERVICE, "customer_payment_method", "customer_id", worker_privileges="SELECT")


def _widen_subscription() -> None:
    for column in (
        sa.Column("plan_id", sa.Uuid(), nullable=True),
        sa.Column("cycle_start_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cycle_index", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("first_stub", sa.Text(), server_default=sa.text("'SHORT'"), nullable=False),
        sa.Column("planned_end_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelation", _json(), nullable=True),
        sa.Column("backdated_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("scheduled", _json(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("pause", _json(), nullable=True),
        sa.Column("coupons", _json(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("pending", _json(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("billed_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("backdating", sa.Text(), server_default=sa.text("'CHARGE'"), nullable=False),
        sa.Column("term_periods_left", sa.Integer(), nullable=True),
        sa.Column("unpaid", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("payment_gated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("period_billed_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
    ):
        op.add_column("subscription", column)


def _json() -> postgresql.JSONB:
    return postgresql.JSONB(astext_type=sa.Text())


def _relax_constraints() -> None:
    for name in ("subscription_state", "subscription_boundary", "subscription_canceled", "subscription_due"):
        op.drop_constraint(name, "subscription", type_="check")
    op.create_check_constraint("subscription_state", "subscription", f"state IN ({STATES})")
    op.create_check_constraint(
        "subscription_canceled", "subscription", "state <> 'CANCELED' OR canceled_at IS NOT NULL"
    )
    op.create_check_constraint(
        "subscription_due", "subscription", "state IN ('PAUSED', 'CANCELED', 'EXPIRED') OR next_due_at IS NOT NULL"
    )


def _create_subscription_change() -> None:
    op.create_table(
        "subscription_change",
        sa.Column("tenant_id", sa.Uuid(), server_default=TENANT, nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("changed", sa.JSON(), nullable=False),
        sa.Column("charge_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "subscription_id", "version", name="subscription_change_pkey"),
        postgresql_partition_by="LIST (tenant_id)",
    )


def _create_payment_method() -> None:
    op.create_table(
        "customer_payment_method",
        sa.Column("tenant_id", sa.Uuid(), server_default=TENANT, nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("payment_method_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "customer_id", "payment_method_id", name="customer_payment_method_pkey"),
    )


def _backfill() -> None:
    """Row-level security binds the owner too, so it is lifted for the length of this transaction."""
    tables = ("subscription", "plan_version")
    for table in tables:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(
        "UPDATE subscription AS s SET plan_id = v.plan_id, cycle_start_at = s.anchor_at,"
        " effective_at = s.updated_at, unpaid = s.state = 'PAST_DUE' FROM plan_version AS v"
        " WHERE v.tenant_id = s.tenant_id AND v.plan_version_id = s.plan_version_id"
    )
    op.execute("CREATE TABLE subscription_change_rows PARTITION OF subscription_change DEFAULT")
    op.execute(
        "INSERT INTO subscription_change (tenant_id, subscription_id, version, customer_id, kind, effective_at, actor,"
        " reason, cause, changed, charge_ids) SELECT s.tenant_id, s.subscription_id, s.version, s.customer_id,"
        " 'IMPORTED', s.updated_at, 'migration:0002', '', '', (SELECT json_object_agg(key,"
        " json_build_array(NULL, value)) FROM jsonb_each(to_jsonb(s) - 'tenant_id')), '{}' FROM subscription AS s"
    )
    for table in tables:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
