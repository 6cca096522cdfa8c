"""Customers with parents; tables that tell of their changes, so that what is cached of them is never old."""

import sqlalchemy as sa
from alembic import op
from billing_runtime.cache_hot import create_cache_hot
from billing_runtime.cache_triggers import tell_changes

revision = "0004"
down_revision = "0003"

SERVICE = "subscriptions"
CHANGED = ("UPDATE", "DELETE")  # what was not there is never cached, but that a customer has no subscription is


def upgrade() -> None:
    """Adds `customer.parent_customer_id` and `customer.billed_to_parent`, `cache_hot` and the triggers."""
    op.add_column("customer", sa.Column("parent_customer_id", sa.Uuid(), nullable=True))
    op.add_column(
        "customer", sa.Column("billed_to_parent", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.create_check_constraint("customer_payer", "customer", "NOT billed_to_parent OR parent_customer_id IS NOT NULL")
    op.create_foreign_key(
        "customer_parent",
        "customer",
        "customer",
        ["tenant_id", "parent_customer_id"],
        ["tenant_id", "customer_id"],
    )
    op.create_index(
        "customer_children",
        "customer",
        ["tenant_id", "parent_customer_id"],
        postgresql_where=sa.text("parent_customer_id IS NOT NULL"),
    )
    create_cache_hot(op, SERVICE)
    tell_changes(op, "subscription", "customer_id")
    tell_changes(op, "subscription", "external_id", CHANGED, text=True)
    tell_changes(op, "customer", "external_id", CHANGED, text=True)
    tell_changes(op, "plan_version", "plan_version_id", CHANGED)
    tell_changes(op, "price", "price_id", ("DELETE",))  # a draft loses prices; none is ever changed
    tell_changes(op, "tenant_clock", "tenant_id")
