"""Tables of invoicing. Bulk tables (invoices, lines, charges, settled dues) take COPY into their leaf `<name>_rows`.

Personal data is in `party` alone. Texts of JSON are `json`, so that a batch writes what it built once.
"""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()


def _tenant() -> Column[Any]:
    return Column("tenant_id", Uuid, nullable=False, server_default=text("current_setting('app.tenant')::uuid"))


def _uuid(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, Uuid, nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, Text, nullable=nullable)


def _number(name: str) -> Column[Any]:
    return Column(name, Integer, nullable=False)


def _minor(name: str) -> Column[Any]:
    return Column(name, BigInteger, nullable=False)


def _instant(name: str, *, nullable: bool = False, default: str | None = None) -> Column[Any]:
    return Column(name, DateTime(timezone=True), nullable=nullable, server_default=text(default) if default else None)


def _json(name: str) -> Column[Any]:
    return Column(name, JSON, nullable=False)


seller = Table(
    "seller",
    metadata,
    _tenant(),
    _uuid("seller_id"),
    _number("version"),
    _text("time_zone"),
    _text("number_prefix"),
    Column("is_default", Boolean, nullable=False),
    Column("metadata", JSONB, nullable=False),
    _instant("created_at"),
    _instant("updated_at"),
    PrimaryKeyConstraint("tenant_id", "seller_id"),
    Index("seller_prefix_once", "tenant_id", "number_prefix", unique=True),
    Index("seller_default_once", "tenant_id", unique=True, postgresql_where=text("is_default")),
)

party = Table(
    "party",
    metadata,
    _tenant(),
    _uuid("party_id"),
    _number("version"),
    _uuid("customer_id", nullable=True),
    Column("content", JSONB, nullable=False),
    Column("tax_ids", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    Column("footer", Text, nullable=False, server_default=text("''")),
    PrimaryKeyConstraint("tenant_id", "party_id", "version"),
)

invoice = Table(
    "invoice",
    metadata,
    _tenant(),
    _uuid("invoice_id"),
    _number("version"),
    _text("state"),
    _text("number", nullable=True),
    Column("number_year", Integer),
    Column("number_sequence", Integer),
    _uuid("seller_id"),
    _number("seller_version"),
    _uuid("customer_id"),
    _uuid("subscription_id"),
    _uuid("due_id", nullable=True),
    _uuid("run_id", nullable=True),
    _text("currency"),
    _minor("net_minor"),
    _minor("tax_minor"),
    _minor("total_minor"),
    _minor("paid_minor"),
    _json("tax_summary"),
    _text("collection"),
    _number("net_terms_days"),
    _instant("invoice_at"),
    _instant("due_at"),
    _instant("finalized_at", nullable=True),
    _instant("paid_at", nullable=True),
    _text("content_hash"),
    _uuid("party_id"),
    _number("party_version"),
    _json("tax_ids"),
    Column("metadata", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    _instant("created_at"),
    _instant("updated_at"),
    _instant("tried_at", nullable=True),
    PrimaryKeyConstraint("tenant_id", "invoice_id"),
    CheckConstraint("state IN ('draft', 'open', 'paid', 'void')", name="invoice_state"),
    CheckConstraint("total_minor = net_minor + tax_minor", name="invoice_total"),
    CheckConstraint("paid_minor BETWEEN 0 AND total_minor", name="invoice_paid"),
    CheckConstraint("state NOT IN ('open', 'paid') OR number IS NOT NULL", name="invoice_numbered"),
    Index("invoice_number_once", "tenant_id", "seller_id", "number_year", "number_sequence", unique=True),
    Index("invoice_customer", "tenant_id", "customer_id", "invoice_id"),
    Index("invoice_subscription", "tenant_id", "subscription_id", "invoice_id"),
    Index("invoice_run", "tenant_id", "run_id", "invoice_id"),
    postgresql_partition_by="LIST (tenant_id)",
)

invoice_line = Table(
    "invoice_line",
    metadata,
    _tenant(),
    _uuid("invoice_id"),
    _number("position"),
    _uuid("customer_id"),
    _uuid("line_id"),
    _uuid("charge_id"),
    _text("description"),
    _text("code"),
    _instant("period_start"),
    _instant("period_end"),
    _text("quantity"),
    _text("unit_amount"),
    _text("exact_numerator"),
    _text("exact_denominator"),
    _minor("amount_minor"),
    _minor("net_minor"),
    _minor("tax_minor"),
    _text("tax_behavior"),
    _json("taxes"),
    _text("explanation"),
    _uuid("rating_id", nullable=True),
    _minor("event_count"),
    PrimaryKeyConstraint("tenant_id", "invoice_id", "position"),
    postgresql_partition_by="LIST (tenant_id)",
)

# The last line of defence: one line a charge among the invoices that are not void.
invoiced_charge = Table(
    "invoiced_charge",
    metadata,
    _tenant(),
    _uuid("charge_id"),
    _uuid("invoice_id"),
    PrimaryKeyConstraint("tenant_id", "charge_id"),
    postgresql_partition_by="LIST (tenant_id)",
)

settled_due = Table(
    "settled_due",
    metadata,
    _tenant(),
    _uuid("due_id"),
    _uuid("run_id", nullable=True),
    _uuid("subscription_id"),
    _uuid("payer_id"),
    _text("outcome"),
    _uuid("invoice_id", nullable=True),
    _text("reason"),
    _text("currency"),
    _minor("total_minor"),
    _instant("settled_at"),
    PrimaryKeyConstraint("tenant_id", "due_id"),
    CheckConstraint("outcome IN ('invoiced', 'parked', 'nothing_to_bill')", name="settled_due_outcome"),
    Index("settled_due_run", "tenant_id", "run_id"),
    postgresql_partition_by="LIST (tenant_id)",
)

parked_due = Table(
    "parked_due",
    metadata,
    _tenant(),
    _uuid("due_id"),
    _uuid("run_id", nullable=True),
    _uuid("subscription_id"),
    _uuid("customer_id"),
    _text("reason"),
    _text("message"),
    Column("payload", LargeBinary, nullable=False),
    _instant("parked_at"),
    PrimaryKeyConstraint("tenant_id", "due_id"),
    Index("parked_due_order", "tenant_id", "parked_at", "due_id"),
)

due_part = Table(
    "due_part",
    metadata,
    _tenant(),
    _uuid("due_id"),
    _number("part"),
    Column("payload", LargeBinary, nullable=False),
    _instant("received_at", default="now()"),
    PrimaryKeyConstraint("tenant_id", "due_id", "part"),
)

applied_payment = Table(
    "applied_payment",
    metadata,
    _tenant(),
    _uuid("applied_id"),
    _uuid("invoice_id"),
    _uuid("customer_id"),
    _uuid("payment_id", nullable=True),
    _text("reference"),
    _minor("amount_minor"),
    _minor("paid_minor"),
    _instant("paid_at"),
    PrimaryKeyConstraint("tenant_id", "applied_id"),
    Index("applied_payment_once", "tenant_id", "payment_id", unique=True),
    Index("applied_payment_invoice", "tenant_id", "invoice_id", "applied_id"),
)

number_series = Table(
    "number_series",
    metadata,
    _tenant(),
    _uuid("seller_id"),
    _text("series"),
    _instant("last_invoice_at", nullable=True),
    PrimaryKeyConstraint("tenant_id", "seller_id", "series"),
)

number_counter = Table(
    "number_counter",
    metadata,
    _tenant(),
    _uuid("seller_id"),
    _text("series"),
    _number("year"),
    _number("last_number"),
    PrimaryKeyConstraint("tenant_id", "seller_id", "series", "year"),
)

billing_run = Table(
    "billing_run",
    metadata,
    _tenant(),
    _uuid("run_id"),
    _number("version"),
    _instant("as_of"),
    _text("mode"),
    _text("state"),
    _minor("published"),
    Column("metadata", JSONB, nullable=False),
    _instant("created_at"),
    _instant("completed_at", nullable=True),
    _instant("worked_at", default="clock_timestamp()"),
    _instant("retry_at", default="clock_timestamp()"),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    PrimaryKeyConstraint("tenant_id", "run_id"),
    CheckConstraint("state IN ('claiming', 'settling', 'complete')", name="billing_run_state"),
    CheckConstraint("mode IN ('draft', 'final')", name="billing_run_mode"),
    Index("billing_run_open", "tenant_id", "run_id", postgresql_where=text("state <> 'complete'")),
)

test_clock = Table(
    "test_clock",
    metadata,
    _tenant(),
    _instant("now_at"),
    _instant("target_at", nullable=True),
    _text("phase"),
    Column("settled", Boolean, nullable=False),
    _uuid("run_id", nullable=True),
    _number("steps"),
    _number("quiet"),
    _minor("moved"),
    Column("idle", Boolean, nullable=False),
    _instant("retry_at", default="clock_timestamp()"),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    PrimaryKeyConstraint("tenant_id"),
)
