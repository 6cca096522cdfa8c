"""Discounts and credits on lines, invoices below zero, and account credit of customers.

Columns have defaults and the check of what is paid is only widened, so the release before goes on writing meanwhile.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from billing_runtime.migrations import TENANT_DEFAULT, grant_leaf, login_role, tenant_table

revision = "0002"
down_revision = "0001"

SERVICE = "invoicing"
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Adds columns to `invoice` and `invoice_line`, and the tables of credits."""
    _widen_invoice()
    _widen_line()
    _create_line_credit()
    _create_account_credit()
    _create_account_credit_entry()
    tenant_table(op, SERVICE, "line_credit", privileges="SELECT, INSERT")
    tenant_table(op, SERVICE, "account_credit", "customer_id", privileges="SELECT, INSERT, UPDATE")
    tenant_table(op, SERVICE, "account_credit_entry", "customer_id", privileges="SELECT, INSERT")


def _widen_invoice() -> None:
    op.add_column("invoice", sa.Column("discount_minor", sa.BigInteger, server_default="0", nullable=False))
    op.add_column("invoice", sa.Column("credit_applied_minor", sa.BigInteger, server_default="0", nullable=False))
    op.drop_constraint("invoice_paid", "invoice")
    op.create_check_constraint("invoice_not_negative", "invoice", "paid_minor >= 0 AND credit_applied_minor >= 0")
    covered = "paid_minor + credit_applied_minor <= greatest(total_minor, 0)"
    op.create_check_constraint("invoice_paid", "invoice", covered)
    grant_leaf(op, SERVICE, "invoice_rows")
    op.execute(f"GRANT UPDATE (credit_applied_minor) ON invoice TO {login_role(SERVICE)}")


def _widen_line() -> None:
    for column in (
        sa.Column("discount_minor", sa.BigInteger, server_default="0", nullable=False),
        sa.Column("discounts", sa.JSON, server_default=sa.text("'[]'"), nullable=False),
        sa.Column("credit_of_charge_id", sa.Uuid),
        sa.Column("credit_of_invoice_id", sa.Uuid),
        sa.Column("credit_of_line_id", sa.Uuid),
        sa.Column("reason", sa.Text, server_default=sa.text("''"), nullable=False),
        sa.Column("proration", sa.Text, server_default=sa.text("''"), nullable=False),
    ):
        op.add_column("invoice_line", column)
    grant_leaf(op, SERVICE, "invoice_line_rows")


def _tenant() -> sa.Column[Any]:
    return sa.Column("tenant_id", sa.Uuid, server_default=sa.text(TENANT_DEFAULT), nullable=False)


def _create_line_credit() -> None:
    op.create_table(
        "line_credit",
        _tenant(),
        sa.Column("charge_id", sa.Uuid, nullable=False),
        sa.Column("ordinal", sa.Integer, nullable=False),
        sa.Column("repaired_invoice_id", sa.Uuid, nullable=False),
        sa.Column("credit_charge_id", sa.Uuid, nullable=False),
        sa.Column("invoice_id", sa.Uuid, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "charge_id", "ordinal"),
    )
    op.create_index("line_credit_repaired", "line_credit", ["tenant_id", "repaired_invoice_id"])


def _create_account_credit() -> None:
    op.create_table(
        "account_credit",
        _tenant(),
        sa.Column("customer_id", sa.Uuid, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("balance_minor", sa.BigInteger, nullable=False),
        sa.Column("last_sequence", sa.Integer, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "customer_id", "currency"),
        sa.CheckConstraint("balance_minor >= 0", name="account_credit_not_negative"),
    )


def _create_account_credit_entry() -> None:
    op.create_table(
        "account_credit_entry",
        _tenant(),
        sa.Column("entry_id", sa.Uuid, nullable=False),
        sa.Column("customer_id", sa.Uuid, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("balance_minor", sa.BigInteger, nullable=False),
        sa.Column("invoice_id", sa.Uuid, nullable=False),
        sa.Column("effective_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "entry_id"),
        sa.CheckConstraint("kind IN ('granted', 'applied', 'returned')", name="account_credit_entry_kind"),
        sa.CheckConstraint("balance_minor >= 0", name="account_credit_entry_not_negative"),
    )
    order = ["tenant_id", "customer_id", "currency", "sequence"]
    op.create_index("account_credit_entry_order", "account_credit_entry", order, unique=True)
    op.create_index(
        "account_credit_entry_once", "account_credit_entry", ["tenant_id", "invoice_id", "kind"], unique=True
    )
