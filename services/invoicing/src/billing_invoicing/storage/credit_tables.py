"""Tables of credits: which line each one gives back, and what customers have in credit."""

from sqlalchemy import CheckConstraint, Index, PrimaryKeyConstraint, Table, text

from billing_invoicing.storage.columns import instant, metadata, minor, number, tenant, text_, uuid

# The credits of a charge, numbered: of two at once the second finds its number taken. Rows stay when invoices are void.
line_credit = Table(
    "line_credit",
    metadata,
    tenant(),
    uuid("charge_id"),
    number("ordinal"),
    uuid("repaired_invoice_id"),
    uuid("credit_charge_id"),
    uuid("invoice_id"),
    PrimaryKeyConstraint("tenant_id", "charge_id", "ordinal"),
    Index("line_credit_repaired", "tenant_id", "repaired_invoice_id"),
)

account_credit = Table(
    "account_credit",
    metadata,
    tenant(),
    uuid("customer_id"),
    text_("currency"),
    minor("balance_minor"),
    number("last_sequence"),
    instant("updated_at"),
    PrimaryKeyConstraint("tenant_id", "customer_id", "currency"),
    CheckConstraint("balance_minor >= 0", name="account_credit_not_negative"),
)

account_credit_entry = Table(
    "account_credit_entry",
    metadata,
    tenant(),
    uuid("entry_id"),
    uuid("customer_id"),
    text_("currency"),
    number("sequence"),
    text_("kind"),
    minor("amount_minor"),
    minor("balance_minor"),
    uuid("invoice_id"),
    instant("effective_at"),
    uuid("payment_id", nullable=True),
    PrimaryKeyConstraint("tenant_id", "entry_id"),
    CheckConstraint("kind IN ('granted', 'applied', 'returned', 'unearned')", name="account_credit_entry_kind"),
    CheckConstraint("balance_minor >= 0", name="account_credit_entry_not_negative"),
    Index("account_credit_entry_order", "tenant_id", "customer_id", "currency", "sequence", unique=True),
    Index(
        "account_credit_entry_once",
        "tenant_id",
        "invoice_id",
        "kind",
        unique=True,
        postgresql_where=text("payment_id IS NULL"),
    ),
    Index("account_credit_entry_payment", "tenant_id", "payment_id", unique=True),
)
