"""The runtime's tables, registrations and exemptions."""

import sqlalchemy as sa
from alembic import op
from billing_runtime.migrations import create_runtime_tables, tenant_table
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

SERVICE = "tax"
TENANT = sa.text("current_setting('app.tenant')::uuid")


def upgrade() -> None:
    """Creates everything."""
    create_runtime_tables(op, SERVICE)
    _create_registration()
    _create_exemption()
    tenant_table(op, SERVICE, "registration", privileges="SELECT, INSERT, UPDATE")
    tenant_table(op, SERVICE, "exemption", "customer_id", privileges="SELECT, INSERT, UPDATE")


def _create_registration() -> None:
    op.create_table(
        "registration",
        sa.Column("tenant_id", sa.Uuid, server_default=TENANT, nullable=False),
        sa.Column("registration_id", sa.Uuid, nullable=False),
        sa.Column("seller_id", sa.Uuid, nullable=False),
        sa.Column("country", sa.Text, nullable=False),
        sa.Column("region", sa.Text, nullable=False),
        sa.Column("scheme", sa.Text, nullable=False),
        sa.Column("tax_number", sa.Text, nullable=False),
        sa.Column("start_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end_at", sa.DateTime(timezone=True)),
        sa.Column("metadata", postgresql.JSONB, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "registration_id"),
        sa.CheckConstraint("end_at > start_at", name="registration_period"),
    )
    op.create_index("registration_seller", "registration", ["tenant_id", "seller_id"])
    op.create_index(
        "registration_open_once",
        "registration",
        ["tenant_id", "seller_id", "country", "region", "scheme"],
        unique=True,
        postgresql_where=sa.text("end_at IS NULL"),
    )


def _create_exemption() -> None:
    op.create_table(
        "exemption",
        sa.Column("tenant_id", sa.Uuid, server_default=TENANT, nullable=False),
        sa.Column("exemption_id", sa.Uuid, nullable=False),
        sa.Column("customer_id", sa.Uuid, nullable=False),
        sa.Column("country", sa.Text, nullable=False),
        sa.Column("region", sa.Text, nullable=False),
        sa.Column("certificate_number", sa.Text, nullable=False),
        sa.Column("start_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end_at", sa.DateTime(timezone=True)),
        sa.Column("metadata", postgresql.JSONB, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "exemption_id"),
        sa.CheckConstraint("end_at > start_at", name="exemption_period"),
    )
    op.create_index("exemption_customer", "exemption", ["tenant_id", "customer_id"])
