"""The runtime's tables, customers and their parties, plans, subscriptions, dues and standings."""

import sqlalchemy as sa
from alembic import op
from billing_runtime.migrations import CUSTOMER, create_runtime_tables, queue_table, tenant_table
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

SERVICE = "subscriptions"
TENANT = sa.text("current_setting('app.tenant')::uuid")
KEPT = "SELECT, INSERT, UPDATE"


def upgrade() -> None:
    """Creates everything."""
    create_runtime_tables(op, SERVICE)
    _create_billing_due()
    _create_customer()
    _create_invoice_standing()
    _create_plan()
    _create_party()
    _create_plan_version()
    _create_subscription()
    tenant_table(op, SERVICE, "customer", "customer_id", privileges=KEPT)
    tenant_table(op, SERVICE, "party", "customer_id", privileges=KEPT)
    tenant_table(op, SERVICE, "plan", privileges=KEPT)
    tenant_table(op, SERVICE, "plan_version", privileges=KEPT)
    op.execute(
        "CREATE POLICY customer_isolation ON plan_version AS RESTRICTIVE FOR SELECT TO billing_subscriptions"
        f" USING ({CUSTOMER} IS NULL OR state = 'PUBLISHED')"
    )
    tenant_table(op, SERVICE, "subscription", "customer_id", privileges=KEPT)
    queue_table(op, SERVICE, "billing_due", "customer_id", worker_privileges="SELECT")
    queue_table(op, SERVICE, "invoice_standing", worker_privileges="SELECT, DELETE")


def _create_billing_due() -> None:
    op.create_table(
        "billing_due",
        sa.Column("tenant_id", sa.Uuid(), server_default=TENANT, nullable=False),
        sa.Column("due_id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.SmallInteger(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("period_index", sa.Integer(), nullable=False),
        sa.Column("charges", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.CheckConstraint("outcome IN ('INVOICED', 'PARKED', 'NOTHING_TO_BILL')", name="billing_due_outcome"),
        sa.CheckConstraint("(settled_at IS NULL) = (outcome IS NULL)", name="billing_due_settled"),
        sa.CheckConstraint("settled_at IS NOT NULL OR payload IS NOT NULL", name="billing_due_open"),
        sa.PrimaryKeyConstraint("tenant_id", "due_id", "part", name="billing_due_pkey"),
        sa.UniqueConstraint("tenant_id", "subscription_id", "period_index", "part", name="billing_due_boundary"),
    )
    op.create_index("billing_due_run", "billing_due", ["tenant_id", "run_id"], unique=False)
    op.create_index(
        "billing_due_waiting",
        "billing_due",
        ["published_at"],
        unique=False,
        postgresql_where=sa.text("settled_at IS NULL"),
    )


def _create_customer() -> None:
    op.create_table(
        "customer",
        sa.Column("tenant_id", sa.Uuid(), server_default=TENANT, nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("party_id", sa.Uuid(), nullable=False),
        sa.Column("party_version", sa.Integer(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("tax_ids", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("collection", sa.Text(), nullable=False),
        sa.Column("net_terms_days", sa.Integer(), nullable=False),
        sa.Column("seller_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("collection IN ('CHARGE', 'SEND')", name="customer_collection"),
        sa.CheckConstraint("state IN ('ACTIVE', 'ARCHIVED')", name="customer_state"),
        sa.PrimaryKeyConstraint("tenant_id", "customer_id", name="customer_pkey"),
        sa.UniqueConstraint("tenant_id", "external_id", name="customer_external_id"),
    )


def _create_invoice_standing() -> None:
    op.create_table(
        "invoice_standing",
        sa.Column("tenant_id", sa.Uuid(), server_default=TENANT, nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("noted_on", sa.Date(), server_default=sa.text("(now() AT TIME ZONE 'UTC')::date"), nullable=False),
        sa.CheckConstraint("state IN ('UNPAID', 'PAID')", name="invoice_standing_state"),
        sa.PrimaryKeyConstraint("tenant_id", "subscription_id", "invoice_id", name="invoice_standing_pkey"),
    )
    op.create_index(
        "invoice_standing_noted_on", "invoice_standing", ["noted_on"], unique=False, postgresql_using="brin"
    )


def _create_plan() -> None:
    op.create_table(
        "plan",
        sa.Column("tenant_id", sa.Uuid(), server_default=TENANT, nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("current_version_id", sa.Uuid(), nullable=True),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "plan_id", name="plan_pkey"),
        sa.UniqueConstraint("tenant_id", "code", name="plan_code"),
    )


def _create_party() -> None:
    op.create_table(
        "party",
        sa.Column("tenant_id", sa.Uuid(), server_default=TENANT, nullable=False),
        sa.Column("party_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("company", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("line1", sa.Text(), nullable=False),
        sa.Column("line2", sa.Text(), nullable=False),
        sa.Column("city", sa.Text(), nullable=False),
        sa.Column("postal_code", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"], ["customer.tenant_id", "customer.customer_id"], name="party_customer"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "party_id", "version", name="party_pkey"),
    )


def _create_plan_version() -> None:
    op.create_table(
        "plan_version",
        sa.Column("tenant_id", sa.Uuid(), server_default=TENANT, nullable=False),
        sa.Column("plan_version_id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("interval_unit", sa.Text(), nullable=False),
        sa.Column("interval_count", sa.Integer(), nullable=False),
        sa.Column("trial_days", sa.Integer(), nullable=False),
        sa.Column("items", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(state = 'PUBLISHED') = (published_at IS NOT NULL)", name="plan_version_state"),
        sa.ForeignKeyConstraint(["tenant_id", "plan_id"], ["plan.tenant_id", "plan.plan_id"], name="plan_version_plan"),
        sa.PrimaryKeyConstraint("tenant_id", "plan_version_id", name="plan_version_pkey"),
        sa.UniqueConstraint("tenant_id", "plan_id", "number", name="plan_version_number"),
    )


def _create_subscription() -> None:
    op.create_table(
        "subscription",
        sa.Column("tenant_id", sa.Uuid(), server_default=TENANT, nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("plan_version_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("anchor_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("period_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("period_end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("period_index", sa.Integer(), nullable=False),
        sa.Column("trial_end_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("canceled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_boundary", sa.Text(), nullable=False),
        sa.Column("items", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("seller_id", sa.Uuid(), nullable=True),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(state = 'CANCELED') = (canceled_at IS NOT NULL)", name="subscription_canceled"),
        sa.CheckConstraint("next_boundary IN ('START', 'TRIAL_END', 'PERIOD_END')", name="subscription_boundary"),
        sa.CheckConstraint("state = 'CANCELED' OR next_due_at IS NOT NULL", name="subscription_due"),
        sa.CheckConstraint("state IN ('TRIALING', 'ACTIVE', 'PAST_DUE', 'CANCELED')", name="subscription_state"),
        sa.CheckConstraint("period_start < period_end", name="subscription_period"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"], ["customer.tenant_id", "customer.customer_id"], name="subscription_customer"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "plan_version_id"],
            ["plan_version.tenant_id", "plan_version.plan_version_id"],
            name="subscription_plan_version",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "subscription_id", name="subscription_pkey"),
        sa.UniqueConstraint("tenant_id", "external_id", name="subscription_external_id"),
    )
    op.create_index(
        "subscription_customer_id", "subscription", ["tenant_id", "customer_id", "subscription_id"], unique=False
    )
    op.create_index(
        "subscription_due_at", "subscription", ["tenant_id", "next_due_at", "subscription_id"], unique=False
    )
