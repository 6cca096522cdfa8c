"""The tables of this service. Names of constraints are relied on: storage turns them into refusals."""

from billing_runtime.cache_hot import cache_hot as cache_hot_table
from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()
cache_hot = cache_hot_table(metadata)

TENANT_DEFAULT = text("current_setting('app.tenant')::uuid")


def _tenant() -> Column[object]:
    return Column("tenant_id", Uuid, nullable=False, server_default=TENANT_DEFAULT)


def _instant(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


customer = Table(
    "customer",
    metadata,
    _tenant(),
    Column("customer_id", Uuid, nullable=False),
    Column("external_id", Text),
    Column("party_id", Uuid, nullable=False),
    Column("party_version", Integer, nullable=False),
    Column("country", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("tax_ids", JSONB, nullable=False),
    Column("currency", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("collection", Text, nullable=False),
    Column("net_terms_days", Integer, nullable=False),
    Column("seller_id", Uuid),
    Column("state", Text, nullable=False),
    Column("metadata", JSONB, nullable=False),
    Column("version", BigInteger, nullable=False),
    _instant("created_at"),
    _instant("updated_at"),
    PrimaryKeyConstraint("tenant_id", "customer_id", name="customer_pkey"),
    Column("parent_customer_id", Uuid),
    Column("billed_to_parent", Boolean, nullable=False, server_default=text("false")),
    UniqueConstraint("tenant_id", "external_id", name="customer_external_id"),
    ForeignKeyConstraint(
        ["tenant_id", "parent_customer_id"], ["customer.tenant_id", "customer.customer_id"], name="customer_parent"
    ),
    CheckConstraint("NOT billed_to_parent OR parent_customer_id IS NOT NULL", name="customer_payer"),
    Index(
        "customer_children",
        "tenant_id",
        "parent_customer_id",
        postgresql_where=text("parent_customer_id IS NOT NULL"),
    ),
    CheckConstraint("state IN ('ACTIVE', 'ARCHIVED')", name="customer_state"),
    CheckConstraint("collection IN ('CHARGE', 'SEND')", name="customer_collection"),
)

# All personal data of this service, and nothing else of value: what is erased is erased here.
party = Table(
    "party",
    metadata,
    _tenant(),
    Column("party_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("company", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("line1", Text, nullable=False),
    Column("line2", Text, nullable=False),
    Column("city", Text, nullable=False),
    Column("postal_code", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("country", Text, nullable=False),
    PrimaryKeyConstraint("tenant_id", "party_id", "version", name="party_pkey"),
    ForeignKeyConstraint(
        ["tenant_id", "customer_id"], ["customer.tenant_id", "customer.customer_id"], name="party_customer"
    ),
)

plan = Table(
    "plan",
    metadata,
    _tenant(),
    Column("plan_id", Uuid, nullable=False),
    Column("code", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("current_version_id", Uuid),
    Column("metadata", JSONB, nullable=False),
    Column("version", BigInteger, nullable=False),
    _instant("created_at"),
    _instant("updated_at"),
    PrimaryKeyConstraint("tenant_id", "plan_id", name="plan_pkey"),
    _instant("archived_at", nullable=True),
    UniqueConstraint("tenant_id", "code", name="plan_code"),
)

plan_version = Table(
    "plan_version",
    metadata,
    _tenant(),
    Column("plan_version_id", Uuid, nullable=False),
    Column("plan_id", Uuid, nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("interval_unit", Text, nullable=False),
    Column("interval_count", Integer, nullable=False),
    Column("trial_days", Integer, nullable=False),
    Column("items", JSONB, nullable=False),
    _instant("created_at"),
    _instant("published_at", nullable=True),
    Column("terms", JSONB, nullable=False, server_default=text("'{}'")),
    _instant("effective_at", nullable=True),
    _instant("archived_at", nullable=True),
    PrimaryKeyConstraint("tenant_id", "plan_version_id", name="plan_version_pkey"),
    ForeignKeyConstraint(["tenant_id", "plan_id"], ["plan.tenant_id", "plan.plan_id"], name="plan_version_plan"),
    UniqueConstraint("tenant_id", "plan_id", "number", name="plan_version_number"),
    CheckConstraint("(state = 'DRAFT') = (published_at IS NULL)", name="plan_version_state"),
    CheckConstraint("(state = 'ARCHIVED') = (archived_at IS NOT NULL)", name="plan_version_archived"),
)

subscription = Table(
    "subscription",
    metadata,
    _tenant(),
    Column("subscription_id", Uuid, nullable=False),
    Column("external_id", Text),
    Column("customer_id", Uuid, nullable=False),
    Column("plan_version_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("zone", Text, nullable=False),
    _instant("anchor_at"),
    _instant("started_at"),
    _instant("period_start"),
    _instant("period_end"),
    Column("period_index", Integer, nullable=False),
    _instant("trial_end_at", nullable=True),
    _instant("ends_at", nullable=True),
    _instant("canceled_at", nullable=True),
    _instant("next_due_at", nullable=True),
    Column("next_boundary", Text, nullable=False),
    Column("items", JSONB, nullable=False),
    Column("seller_id", Uuid),
    Column("metadata", JSONB, nullable=False),
    Column("version", BigInteger, nullable=False),
    _instant("created_at"),
    _instant("updated_at"),
    Column("plan_id", Uuid),
    _instant("cycle_start_at", nullable=True),
    Column("cycle_index", Integer, nullable=False, server_default=text("0")),
    Column("first_stub", Text, nullable=False, server_default=text("'SHORT'")),
    _instant("planned_end_at", nullable=True),
    Column("cancelation", JSONB),
    _instant("backdated_until", nullable=True),
    Column("scheduled", JSONB, nullable=False, server_default=text("'[]'")),
    Column("pause", JSONB),
    Column("coupons", JSONB, nullable=False, server_default=text("'[]'")),
    Column("pending", JSONB, nullable=False, server_default=text("'[]'")),
    _instant("expires_at", nullable=True),
    _instant("billed_from", nullable=True),
    Column("backdating", Text, nullable=False, server_default=text("'CHARGE'")),
    Column("term_periods_left", Integer),
    Column("unpaid", Boolean, nullable=False, server_default=text("false")),
    Column("payment_gated", Boolean, nullable=False, server_default=text("false")),
    _instant("effective_at", nullable=True),
    Column("period_billed_minor", BigInteger, nullable=False, server_default=text("0")),
    _instant("committed_from", nullable=True),
    PrimaryKeyConstraint("tenant_id", "subscription_id", name="subscription_pkey"),
    UniqueConstraint("tenant_id", "external_id", name="subscription_external_id"),
    ForeignKeyConstraint(
        ["tenant_id", "customer_id"], ["customer.tenant_id", "customer.customer_id"], name="subscription_customer"
    ),
    ForeignKeyConstraint(
        ["tenant_id", "plan_version_id"],
        ["plan_version.tenant_id", "plan_version.plan_version_id"],
        name="subscription_plan_version",
    ),
    CheckConstraint(
        "state IN ('SCHEDULED', 'INCOMPLETE', 'TRIALING', 'ACTIVE', 'PAST_DUE', 'PAUSED', 'CANCELED', 'EXPIRED')",
        name="subscription_state",
    ),
    CheckConstraint("state <> 'CANCELED' OR canceled_at IS NOT NULL", name="subscription_canceled"),
    CheckConstraint("state IN ('PAUSED', 'CANCELED', 'EXPIRED') OR next_due_at IS NOT NULL", name="subscription_due"),
    CheckConstraint("period_start < period_end", name="subscription_period"),
    Index("subscription_due_at", "tenant_id", "next_due_at", "subscription_id"),
    Index("subscription_customer_id", "tenant_id", "customer_id", "subscription_id"),
)

# One entry for each version of a subscription, never altered: their fold is its row. A bulk table: COPY goes into the
# leaf subscription_change_rows.
subscription_change = Table(
    "subscription_change",
    metadata,
    _tenant(),
    Column("subscription_id", Uuid, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    _instant("effective_at"),
    Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("changed", JSON, nullable=False),
    Column("charge_ids", ARRAY(Uuid), nullable=False),
    PrimaryKeyConstraint("tenant_id", "subscription_id", "version", name="subscription_change_pkey"),
    postgresql_partition_by="LIST (tenant_id)",
)

# The payment methods that a customer has, as the events of payments tell: what the end of a trial asks for.
customer_payment_method = Table(
    "customer_payment_method",
    metadata,
    _tenant(),
    Column("customer_id", Uuid, nullable=False),
    Column("payment_method_id", Uuid, nullable=False),
    PrimaryKeyConstraint("tenant_id", "customer_id", "payment_method_id", name="customer_payment_method_pkey"),
)

# One row for each part of each due, open until invoicing has settled it. The payload is kept until then, so that a due
# survives whatever invoicing and the broker forget.
billing_due = Table(
    "billing_due",
    metadata,
    _tenant(),
    Column("due_id", Uuid, nullable=False),
    Column("part", SmallInteger, nullable=False),
    Column("subscription_id", Uuid, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("run_id", Uuid),  # none of an immediate due
    Column("period_index", Integer),  # none of a due that is no boundary's
    Column("charges", Integer, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    _instant("effective_at"),
    Column("payload", LargeBinary),
    _instant("published_at"),
    _instant("settled_at", nullable=True),
    Column("outcome", Text),
    PrimaryKeyConstraint("tenant_id", "due_id", "part", name="billing_due_pkey"),
    UniqueConstraint("tenant_id", "subscription_id", "period_index", "part", name="billing_due_boundary"),
    CheckConstraint("(settled_at IS NULL) = (outcome IS NULL)", name="billing_due_settled"),
    CheckConstraint("settled_at IS NOT NULL OR payload IS NOT NULL", name="billing_due_open"),
    CheckConstraint("outcome IN ('INVOICED', 'PARKED', 'NOTHING_TO_BILL')", name="billing_due_outcome"),
    Index("billing_due_run", "tenant_id", "run_id"),
    Index("billing_due_waiting", "published_at", postgresql_where=text("settled_at IS NULL")),
)

# Whether an invoice of a subscription waits for money: the events that say so come from two services, in any order.
invoice_standing = Table(
    "invoice_standing",
    metadata,
    _tenant(),
    Column("subscription_id", Uuid, nullable=False),
    Column("invoice_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    Column("noted_on", Date, nullable=False, server_default=text("(now() AT TIME ZONE 'UTC')::date")),
    PrimaryKeyConstraint("tenant_id", "subscription_id", "invoice_id", name="invoice_standing_pkey"),
    CheckConstraint("state IN ('UNPAID', 'PAID')", name="invoice_standing_state"),
    Index("invoice_standing_noted_on", "noted_on", postgresql_using="brin"),
)
