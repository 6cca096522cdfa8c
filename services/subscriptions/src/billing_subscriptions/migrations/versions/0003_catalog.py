"""The catalogue: products, features, add-ons, coupons, prices by id, the rules and the archive of plan versions."""

import sqlalchemy as sa
from alembic import op
from billing_runtime.migrations import CUSTOMER, tenant_table
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"

SERVICE = "subscriptions"
TENANT = sa.text("current_setting('app.tenant')::uuid")
KEPT = "SELECT, INSERT, UPDATE"


def upgrade() -> None:
    """Adds columns and tables, and enters the prices that exist."""
    _widen_plans()
    _create_named("product")
    _create_named("feature")
    _create_add_ons()
    _create_price()
    _create_coupons()
    for name in ("product", "feature", "add_on", "coupon"):
        tenant_table(op, SERVICE, name, privileges=KEPT)
    tenant_table(op, SERVICE, "add_on_version", privileges="SELECT, INSERT")
    tenant_table(op, SERVICE, "price", privileges="SELECT, INSERT, DELETE")
    tenant_table(op, SERVICE, "coupon_redemption", "customer_id", privileges="SELECT, INSERT")
    _enter_prices()


def _widen_plans() -> None:
    op.add_column("plan", _instant("archived_at", nullable=True))
    op.add_column("plan_version", sa.Column("terms", _json(), server_default=sa.text("'{}'"), nullable=False))
    op.add_column("plan_version", _instant("effective_at", nullable=True))
    op.add_column("plan_version", _instant("archived_at", nullable=True))
    op.drop_constraint("plan_version_state", "plan_version", type_="check")
    op.create_check_constraint("plan_version_state", "plan_version", "(state = 'DRAFT') = (published_at IS NULL)")
    op.create_check_constraint(
        "plan_version_archived", "plan_version", "(state = 'ARCHIVED') = (archived_at IS NOT NULL)"
    )
    op.execute("DROP POLICY customer_isolation ON plan_version")
    op.execute(
        "CREATE POLICY customer_isolation ON plan_version AS RESTRICTIVE FOR SELECT TO billing_subscriptions"
        f" USING ({CUSTOMER} IS NULL OR state <> 'DRAFT')"
    )
    op.execute("GRANT DELETE ON plan_version TO billing_subscriptions")


def _json() -> postgresql.JSONB:
    return postgresql.JSONB(astext_type=sa.Text())


def _instant(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _tenant() -> sa.Column[object]:
    return sa.Column("tenant_id", sa.Uuid(), server_default=TENANT, nullable=False)


def _create_named(name: str) -> None:
    op.create_table(
        name,
        _tenant(),
        sa.Column(f"{name}_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("metadata", _json(), nullable=False),
        _instant("archived_at", nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        _instant("created_at"),
        _instant("updated_at"),
        sa.PrimaryKeyConstraint("tenant_id", f"{name}_id", name=f"{name}_pkey"),
        sa.UniqueConstraint("tenant_id", "code", name=f"{name}_code"),
    )


def _create_add_ons() -> None:
    op.create_table(
        "add_on",
        _tenant(),
        sa.Column("add_on_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("add_on_version_id", sa.Uuid(), nullable=False),
        sa.Column("metadata", _json(), nullable=False),
        _instant("archived_at", nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        _instant("created_at"),
        _instant("updated_at"),
        sa.PrimaryKeyConstraint("tenant_id", "add_on_id", name="add_on_pkey"),
        sa.UniqueConstraint("tenant_id", "code", name="add_on_code"),
    )
    op.create_table(
        "add_on_version",
        _tenant(),
        sa.Column("add_on_version_id", sa.Uuid(), nullable=False),
        sa.Column("add_on_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("item", _json(), nullable=False),
        sa.Column("terms", _json(), nullable=False),
        _instant("created_at"),
        sa.PrimaryKeyConstraint("tenant_id", "add_on_version_id", name="add_on_version_pkey"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "add_on_id"], ["add_on.tenant_id", "add_on.add_on_id"], name="add_on_version_add_on"
        ),
        sa.UniqueConstraint("tenant_id", "add_on_id", "number", name="add_on_version_number"),
    )


def _create_price() -> None:
    op.create_table(
        "price",
        _tenant(),
        sa.Column("price_id", sa.Uuid(), nullable=False),
        sa.Column("plan_version_id", sa.Uuid(), nullable=True),
        sa.Column("add_on_version_id", sa.Uuid(), nullable=True),
        sa.Column("item_code", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.CheckConstraint("(plan_version_id IS NULL) <> (add_on_version_id IS NULL)", name="price_owner"),
        sa.PrimaryKeyConstraint("tenant_id", "price_id", name="price_pkey"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "plan_version_id"],
            ["plan_version.tenant_id", "plan_version.plan_version_id"],
            name="price_plan_version",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "add_on_version_id"],
            ["add_on_version.tenant_id", "add_on_version.add_on_version_id"],
            name="price_add_on_version",
        ),
    )
    op.create_index("price_of_plan_version", "price", ["tenant_id", "plan_version_id"], unique=False)


def _create_coupons() -> None:
    op.create_table(
        "coupon",
        _tenant(),
        sa.Column("coupon_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("terms", _json(), nullable=False),
        sa.Column("max_redemptions", sa.Integer(), nullable=True),
        sa.Column("redeemed", sa.Integer(), nullable=False),
        sa.Column("metadata", _json(), nullable=False),
        _instant("archived_at", nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        _instant("created_at"),
        _instant("updated_at"),
        sa.PrimaryKeyConstraint("tenant_id", "coupon_id", name="coupon_pkey"),
        sa.UniqueConstraint("tenant_id", "code", name="coupon_code"),
    )
    op.create_table(
        "coupon_redemption",
        _tenant(),
        sa.Column("redemption_id", sa.Uuid(), nullable=False),
        sa.Column("coupon_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        _instant("redeemed_at"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "coupon_id"], ["coupon.tenant_id", "coupon.coupon_id"], name="coupon_redemption_coupon"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "redemption_id", name="coupon_redemption_pkey"),
    )
    op.create_index(
        "coupon_redemption_customer", "coupon_redemption", ["tenant_id", "coupon_id", "customer_id"], unique=False
    )


def _enter_prices() -> None:
    """Row-level security binds the owner too, so it is lifted for the length of this transaction."""
    for table in ("plan_version", "price"):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(
        "INSERT INTO price (tenant_id, price_id, plan_version_id, item_code, currency)"
        " SELECT v.tenant_id, (item ->> 'price_id')::uuid, v.plan_version_id, item ->> 'code', v.currency"
        " FROM plan_version AS v, LATERAL jsonb_array_elements(v.items) AS item"
    )
    for table in ("plan_version", "price"):
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
