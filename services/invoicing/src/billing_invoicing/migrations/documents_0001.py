"""Tables of sellers, invoices, their payments and numbers, as migration 0001 makes them. Never edited once released."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from billing_runtime.migrations import TENANT_DEFAULT
from sqlalchemy.dialects import postgresql

INSTANT = sa.DateTime(timezone=True)


def tenant() -> sa.Column[Any]:
    return sa.Column("tenant_id", sa.Uuid, server_default=sa.text(TENANT_DEFAULT), nullable=False)


def _create_seller() -> None:
    op.create_table(
        "seller",
        tenant(),
        sa.Column("seller_id", sa.Uuid, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("time_zone", sa.Text, nullable=False),
        sa.Column("number_prefix", sa.Text, nullable=False),
        sa.Column("is_default", sa.Boolean, nullable=False),
        sa.Column("metadata", postgresql.JSONB, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "seller_id"),
    )
    op.create_index("seller_default_once", "seller", ["tenant_id"], unique=True, postgresql_where=sa.text("is_default"))
    op.create_index("seller_prefix_once", "seller", ["tenant_id", "number_prefix"], unique=True)


def _create_party() -> None:
    op.create_table(
        "party",
        tenant(),
        sa.Column("party_id", sa.Uuid, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("customer_id", sa.Uuid),
        sa.Column("content", postgresql.JSONB, nullable=False),
        sa.Column("tax_ids", postgresql.JSONB, server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("footer", sa.Text, server_default=sa.text("''"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "party_id", "version"),
    )


def _create_invoice() -> None:
    op.create_table(
        "invoice",
        tenant(),
        sa.Column("invoice_id", sa.Uuid, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("number", sa.Text),
        sa.Column("number_year", sa.Integer),
        sa.Column("number_sequence", sa.Integer),
        sa.Column("seller_id", sa.Uuid, nullable=False),
        sa.Column("seller_version", sa.Integer, nullable=False),
        sa.Column("customer_id", sa.Uuid, nullable=False),
        sa.Column("subscription_id", sa.Uuid, nullable=False),
        sa.Column("due_id", sa.Uuid),
        sa.Column("run_id", sa.Uuid),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("net_minor", sa.BigInteger, nullable=False),
        sa.Column("tax_minor", sa.BigInteger, nullable=False),
        sa.Column("total_minor", sa.BigInteger, nullable=False),
        sa.Column("paid_minor", sa.BigInteger, nullable=False),
        sa.Column("tax_summary", sa.JSON, nullable=False),
        sa.Column("collection", sa.Text, nullable=False),
        sa.Column("net_terms_days", sa.Integer, nullable=False),
        sa.Column("invoice_at", INSTANT, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("finalized_at", INSTANT),
        sa.Column("paid_at", INSTANT),
        sa.Column("content_hash", sa.Text, nullable=False),
        sa.Column("party_id", sa.Uuid, nullable=False),
        sa.Column("party_version", sa.Integer, nullable=False),
        sa.Column("tax_ids", sa.JSON, nullable=False),
        sa.Column("metadata", postgresql.JSONB, server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("tried_at", INSTANT),
        sa.PrimaryKeyConstraint("tenant_id", "invoice_id"),
        sa.CheckConstraint("state IN ('draft', 'open', 'paid', 'void')", name="invoice_state"),
        sa.CheckConstraint("state NOT IN ('open', 'paid') OR number IS NOT NULL", name="invoice_numbered"),
        sa.CheckConstraint("total_minor = net_minor + tax_minor", name="invoice_total"),
        sa.CheckConstraint("paid_minor BETWEEN 0 AND total_minor", name="invoice_paid"),
        postgresql_partition_by="LIST (tenant_id)",
    )
    op.create_index("invoice_customer", "invoice", ["tenant_id", "customer_id", "invoice_id"])
    op.create_index(
        "invoice_number_once", "invoice", ["tenant_id", "seller_id", "number_year", "number_sequence"], unique=True
    )
    op.create_index("invoice_run", "invoice", ["tenant_id", "run_id", "invoice_id"])
    op.create_index("invoice_subscription", "invoice", ["tenant_id", "subscription_id", "invoice_id"])


def _create_invoice_line() -> None:
    op.create_table(
        "invoice_line",
        tenant(),
        sa.Column("invoice_id", sa.Uuid, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("customer_id", sa.Uuid, nullable=False),
        sa.Column("line_id", sa.Uuid, nullable=False),
        sa.Column("charge_id", sa.Uuid, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("period_start", INSTANT, nullable=False),
        sa.Column("period_end", INSTANT, nullable=False),
        sa.Column("quantity", sa.Text, nullable=False),
        sa.Column("unit_amount", sa.Text, nullable=False),
        sa.Column("exact_numerator", sa.Text, nullable=False),
        sa.Column("exact_denominator", sa.Text, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("net_minor", sa.BigInteger, nullable=False),
        sa.Column("tax_minor", sa.BigInteger, nullable=False),
        sa.Column("tax_behavior", sa.Text, nullable=False),
        sa.Column("taxes", sa.JSON, nullable=False),
        sa.Column("explanation", sa.Text, nullable=False),
        sa.Column("rating_id", sa.Uuid),
        sa.Column("event_count", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "invoice_id", "position"),
        postgresql_partition_by="LIST (tenant_id)",
    )


def _create_invoiced_charge() -> None:
    op.create_table(
        "invoiced_charge",
        tenant(),
        sa.Column("charge_id", sa.Uuid, nullable=False),
        sa.Column("invoice_id", sa.Uuid, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "charge_id"),
        postgresql_partition_by="LIST (tenant_id)",
    )


def _create_applied_payment() -> None:
    op.create_table(
        "applied_payment",
        tenant(),
        sa.Column("applied_id", sa.Uuid, nullable=False),
        sa.Column("invoice_id", sa.Uuid, nullable=False),
        sa.Column("customer_id", sa.Uuid, nullable=False),
        sa.Column("payment_id", sa.Uuid),
        sa.Column("reference", sa.Text, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("paid_minor", sa.BigInteger, nullable=False),
        sa.Column("paid_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "applied_id"),
    )
    op.create_index("applied_payment_invoice", "applied_payment", ["tenant_id", "invoice_id", "applied_id"])
    op.create_index("applied_payment_once", "applied_payment", ["tenant_id", "payment_id"], unique=True)


def _create_number_series() -> None:
    op.create_table(
        "number_series",
        tenant(),
        sa.Column("seller_id", sa.Uuid, nullable=False),
        sa.Column("series", sa.Text, nullable=False),
        sa.Column("last_invoice_at", INSTANT),
        sa.PrimaryKeyConstraint("tenant_id", "seller_id", "series"),
    )


def _create_number_counter() -> None:
    op.create_table(
        "number_counter",
        tenant(),
        sa.Column("seller_id", sa.Uuid, nullable=False),
        sa.Column("series", sa.Text, nullable=False),
        sa.Column("year", sa.Integer, nullable=False),
        sa.Column("last_number", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "seller_id", "series", "year"),
    )


TABLES = (
    _create_seller,
    _create_party,
    _create_invoice,
    _create_invoice_line,
    _create_invoiced_charge,
    _create_applied_payment,
    _create_number_series,
    _create_number_counter,
)
