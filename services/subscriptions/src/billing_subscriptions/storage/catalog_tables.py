"""The tables of the catalogue beside plans. Names of constraints are relied on: storage turns them into refusals."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from billing_subscriptions.storage.tables import TENANT_DEFAULT, metadata


def _tenant() -> Column[object]:
    return Column("tenant_id", Uuid, nullable=False, server_default=TENANT_DEFAULT)


def _instant(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


def _named(name: str) -> Table:
    """Products and features: a code with a name."""
    return Table(
        name,
        metadata,
        _tenant(),
        Column(f"{name}_id", Uuid, nullable=False),
        Column("code", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("description", Text, nullable=False),
        Column("metadata", JSONB, nullable=False),
        _instant("archived_at", nullable=True),
        Column("version", BigInteger, nullable=False),
        _instant("created_at"),
        _instant("updated_at"),
        PrimaryKeyConstraint("tenant_id", f"{name}_id", name=f"{name}_pkey"),
        UniqueConstraint("tenant_id", "code", name=f"{name}_code"),
    )


product = _named("product")
feature = _named("feature")

add_on = Table(
    "add_on",
    metadata,
    _tenant(),
    Column("add_on_id", Uuid, nullable=False),
    Column("code", Text, nullable=False),
    Column("add_on_version_id", Uuid, nullable=False),
    Column("metadata", JSONB, nullable=False),
    _instant("archived_at", nullable=True),
    Column("version", BigInteger, nullable=False),
    _instant("created_at"),
    _instant("updated_at"),
    PrimaryKeyConstraint("tenant_id", "add_on_id", name="add_on_pkey"),
    UniqueConstraint("tenant_id", "code", name="add_on_code"),
)

# Written once, never changed: what a subscription took stays what it was.
add_on_version = Table(
    "add_on_version",
    metadata,
    _tenant(),
    Column("add_on_version_id", Uuid, nullable=False),
    Column("add_on_id", Uuid, nullable=False),
    Column("number", Integer, nullable=False),
    Column("currency", Text, nullable=False),
    Column("item", JSONB, nullable=False),
    Column("terms", JSONB, nullable=False),
    _instant("created_at"),
    PrimaryKeyConstraint("tenant_id", "add_on_version_id", name="add_on_version_pkey"),
    ForeignKeyConstraint(
        ["tenant_id", "add_on_id"], ["add_on.tenant_id", "add_on.add_on_id"], name="add_on_version_add_on"
    ),
    UniqueConstraint("tenant_id", "add_on_id", "number", name="add_on_version_number"),
)

# Where a price is found by its id; it never moves.
price = Table(
    "price",
    metadata,
    _tenant(),
    Column("price_id", Uuid, nullable=False),
    Column("plan_version_id", Uuid),
    Column("add_on_version_id", Uuid),
    Column("item_code", Text, nullable=False),
    Column("currency", Text, nullable=False),
    PrimaryKeyConstraint("tenant_id", "price_id", name="price_pkey"),
    ForeignKeyConstraint(
        ["tenant_id", "plan_version_id"],
        ["plan_version.tenant_id", "plan_version.plan_version_id"],
        name="price_plan_version",
    ),
    ForeignKeyConstraint(
        ["tenant_id", "add_on_version_id"],
        ["add_on_version.tenant_id", "add_on_version.add_on_version_id"],
        name="price_add_on_version",
    ),
    CheckConstraint("(plan_version_id IS NULL) <> (add_on_version_id IS NULL)", name="price_owner"),
    Index("price_of_plan_version", "tenant_id", "plan_version_id"),
)

# `redeemed` is counted under its limit by one conditional update, so that ten cannot redeem the last one.
coupon = Table(
    "coupon",
    metadata,
    _tenant(),
    Column("coupon_id", Uuid, nullable=False),
    Column("code", Text, nullable=False),
    Column("terms", JSONB, nullable=False),
    Column("max_redemptions", Integer),
    Column("redeemed", Integer, nullable=False),
    Column("metadata", JSONB, nullable=False),
    _instant("archived_at", nullable=True),
    Column("version", BigInteger, nullable=False),
    _instant("created_at"),
    _instant("updated_at"),
    PrimaryKeyConstraint("tenant_id", "coupon_id", name="coupon_pkey"),
    UniqueConstraint("tenant_id", "code", name="coupon_code"),
)

coupon_redemption = Table(
    "coupon_redemption",
    metadata,
    _tenant(),
    Column("redemption_id", Uuid, nullable=False),
    Column("coupon_id", Uuid, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("subscription_id", Uuid, nullable=False),
    _instant("redeemed_at"),
    PrimaryKeyConstraint("tenant_id", "redemption_id", name="coupon_redemption_pkey"),
    ForeignKeyConstraint(
        ["tenant_id", "coupon_id"], ["coupon.tenant_id", "coupon.coupon_id"], name="coupon_redemption_coupon"
    ),
    Index("coupon_redemption_customer", "tenant_id", "coupon_id", "customer_id"),
)
