"""payment_method, payment and payment_attempt are ours; sandbox_charge is the book of the sandbox gateway."""

from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

METADATA = MetaData()

IN_FLIGHT = "state IN ('PROCESSING', 'UNKNOWN')"
DUE = "state = 'SCHEDULED' AND next_attempt_at IS NOT NULL"
MAY_HOLD_MONEY = "state IN ('PROCESSING', 'UNKNOWN', 'REQUIRES_ACTION', 'SUCCEEDED')"


def _tenant() -> Column[Any]:
    default = text("current_setting('app.tenant')::uuid")
    return Column("tenant_id", Uuid, nullable=False, server_default=default, primary_key=True)


def _instant(name: str, *, nullable: bool = False, default: str | None = None) -> Column[Any]:
    return Column(name, DateTime(timezone=True), nullable=nullable, server_default=text(default) if default else None)


def _money() -> list[Column[Any]]:
    return [Column("currency", Text, nullable=False), Column("amount_minor", BigInteger, nullable=False)]


payment_method = Table(
    "payment_method",
    METADATA,
    _tenant(),
    Column("payment_method_id", Uuid, primary_key=True),
    Column("customer_id", Uuid, nullable=False),
    Column("gateway", Text, nullable=False),
    Column("token", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("is_default", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("metadata", JSONB, nullable=False),
    Column("version", BigInteger, nullable=False),
    _instant("created_at"),
    _instant("updated_at"),
    CheckConstraint("state IN ('ATTACHED', 'DETACHED')", name="payment_method_state"),
    CheckConstraint("state = 'ATTACHED' OR NOT is_default", name="payment_method_detached_is_no_default"),
    Index("payment_method_customer", "tenant_id", "customer_id", "payment_method_id"),
    Index("payment_method_one_default", "tenant_id", "customer_id", unique=True, postgresql_where=text("is_default")),
)

payment = Table(
    "payment",
    METADATA,
    _tenant(),
    Column("payment_id", Uuid, primary_key=True),
    Column("invoice_id", Uuid, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("subscription_ids", ARRAY(Uuid), nullable=False),
    *_money(),
    Column("invoice_version", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    _instant("next_attempt_at", nullable=True),
    Column("cancel_requested", Boolean, nullable=False),
    Column("metadata", JSONB, nullable=False),
    Column("version", BigInteger, nullable=False),
    _instant("created_at"),
    _instant("updated_at"),
    CheckConstraint(
        "state IN ('SCHEDULED', 'PROCESSING', 'UNKNOWN', 'REQUIRES_ACTION', 'SUCCEEDED', 'FAILED', 'CANCELED')",
        name="payment_state",
    ),
    CheckConstraint("amount_minor > 0", name="payment_amount"),
    CheckConstraint("next_attempt_at IS NULL OR state = 'SCHEDULED'", name="payment_due_only_when_scheduled"),
    Index("payment_one_per_invoice", "tenant_id", "invoice_id", unique=True),
    Index("payment_customer", "tenant_id", "customer_id", "payment_id"),
    Index("payment_due_of_tenant", "tenant_id", "next_attempt_at", "payment_id", postgresql_where=text(DUE)),
    Index("payment_due", "next_attempt_at", postgresql_where=text(DUE)),
    Index("payment_in_flight", "tenant_id", "payment_id", postgresql_where=text(IN_FLIGHT)),
)

# Wall time: in_flight_since is when the gateway was last told of the attempt or of its confirmation; until held_until
# whoever works on it is given the time to finish.
payment_attempt = Table(
    "payment_attempt",
    METADATA,
    _tenant(),
    Column("attempt_id", Uuid, primary_key=True),
    Column("payment_id", Uuid, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("number", Integer, nullable=False),
    *_money(),
    Column("payment_method_id", Uuid, nullable=False),
    Column("gateway", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("gateway_reference", Text, nullable=False),
    Column("decline_code", Text, nullable=False),
    _instant("attempted_at"),
    _instant("confirmed_at", nullable=True),
    Column("asks", Integer, nullable=False),
    _instant("held_until"),
    _instant("in_flight_since", default="clock_timestamp()"),
    CheckConstraint(
        "state IN ('PROCESSING', 'UNKNOWN', 'REQUIRES_ACTION', 'SUCCEEDED', 'SOFT_DECLINED', 'HARD_DECLINED')",
        name="payment_attempt_state",
    ),
    ForeignKeyConstraint(
        ["tenant_id", "payment_id"], ["payment.tenant_id", "payment.payment_id"], name="payment_attempt_payment"
    ),
    ForeignKeyConstraint(
        ["tenant_id", "payment_method_id"],
        ["payment_method.tenant_id", "payment_method.payment_method_id"],
        name="payment_attempt_method",
    ),
    CheckConstraint("amount_minor > 0", name="payment_attempt_amount"),
    Index("payment_attempt_number", "tenant_id", "payment_id", "number", unique=True),
    Index(
        "payment_attempt_one_capture",
        "tenant_id",
        "payment_id",
        unique=True,
        postgresql_where=text(MAY_HOLD_MONEY),
    ),
    Index("payment_attempt_unclear", "held_until", postgresql_where=text(IN_FLIGHT)),
)

sandbox_charge = Table(
    "sandbox_charge",
    METADATA,
    _tenant(),
    Column("attempt_id", Uuid, primary_key=True),
    Column("payment_id", Uuid, nullable=False),
    Column("token", Text, nullable=False),
    *_money(),
    Column("state", Text, nullable=False),
    Column("decline_code", Text, nullable=False),
    _instant("entered_at", default="clock_timestamp()"),
    _instant("captured_at", nullable=True),
    CheckConstraint("(state = 'SUCCEEDED') = (captured_at IS NOT NULL)", name="sandbox_charge_captured"),
    Index("sandbox_charge_payment", "tenant_id", "payment_id"),
)
