"""The runtime's tables, meters, events, batches, the copies of subscriptions, ratings."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from billing_runtime.migrations import bulk_table, create_runtime_tables, tenant_table
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import UserDefinedType

revision = "0001"
down_revision = None

SERVICE = "usage"
TENANT = sa.text("current_setting('app.tenant')::uuid")
KEPT = "SELECT, INSERT"  # never edited
COPIED = "SELECT, INSERT, UPDATE"


class Named(UserDefinedType[Any]):
    """A type of PostgreSQL by its name."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **_: Any) -> str:
        return self.name


def upgrade() -> None:
    """Creates everything."""
    create_runtime_tables(op, SERVICE)
    _create_meter()
    _create_events()
    _create_batch()
    _create_copies()
    _create_rating()
    bulk_table(op, SERVICE, "event_key", {"event_key_rows": "DEFAULT"}, privileges=KEPT)
    bulk_table(op, SERVICE, "event", {"event_rows": "DEFAULT"}, privileges=KEPT)
    for table in ("ingest_batch", "price", "rating"):
        tenant_table(op, SERVICE, table, privileges=KEPT)
    tenant_table(op, SERVICE, "meter", privileges=COPIED)
    for table in ("customer", "subscription", "subscription_item"):
        tenant_table(op, SERVICE, table, "customer_id", privileges=COPIED)


def _create_meter() -> None:
    op.create_table(
        "meter",
        _tenant(),
        _needed("meter_id", sa.Uuid),
        _needed("code", sa.Text),
        _needed("name", sa.Text),
        _needed("unit", sa.Text),
        _needed("aggregation", sa.Text),
        _needed("metadata", postgresql.JSONB),
        _needed("version", sa.BigInteger),
        _needed("created_at", _instant()),
        _needed("updated_at", _instant()),
        sa.PrimaryKeyConstraint("tenant_id", "meter_id"),
        sa.UniqueConstraint("tenant_id", "code", name="meter_code"),
        sa.CheckConstraint("aggregation IN ('count', 'sum', 'max')", name="meter_aggregation"),
    )


def _create_events() -> None:
    op.create_table(
        "event_key",
        _tenant(),
        _needed("source", sa.Text(collation="C")),
        _needed("id", sa.Text(collation="C")),
        _needed("content_hash", sa.LargeBinary),
        _needed("batch_id", sa.Uuid),
        sa.PrimaryKeyConstraint("tenant_id", "source", "id"),
        postgresql_partition_by="LIST (tenant_id)",
    )
    op.create_table(
        "event",
        _tenant(),
        _needed("meter_id", sa.Uuid),
        _needed("subject", sa.Text(collation="C")),
        _needed("at", _instant()),
        _needed("value", sa.Numeric(38, 18)),
        _needed("source", sa.Text(collation="C")),
        _needed("id", sa.Text(collation="C")),
        sa.Column("properties", postgresql.JSONB),
        _needed("batch_id", sa.Uuid),
        postgresql_partition_by='RANGE ("at")',
    )
    op.create_index("event_use", "event", ["tenant_id", "meter_id", "subject", "at"])
    brin = {"pages_per_range": 16, "autosummarize": "on"}
    op.create_index("event_batch", "event", ["batch_id"], postgresql_using="brin", postgresql_with=brin)


def _create_batch() -> None:
    op.create_table(
        "ingest_batch",
        _tenant(),
        _needed("batch_id", sa.Uuid),
        _needed("accepted", sa.Integer),
        _needed("duplicates", sa.Integer),
        _needed("rejected", sa.Integer),
        _needed("xid", Named("xid8"), server_default=sa.text("pg_current_xact_id()")),
        _needed("ingested_at", _instant(), server_default=sa.text("now()")),
        sa.PrimaryKeyConstraint("tenant_id", "batch_id"),
    )


def _create_copies() -> None:
    op.create_table(
        "customer",
        _tenant(),
        _needed("customer_id", sa.Uuid),
        _needed("version", sa.BigInteger),
        _needed("names", postgresql.JSONB),
        sa.PrimaryKeyConstraint("tenant_id", "customer_id"),
    )
    op.create_table(
        "subscription",
        _tenant(),
        _needed("subscription_id", sa.Uuid),
        _needed("customer_id", sa.Uuid),
        _needed("version", sa.BigInteger),
        _needed("time_zone", sa.Text),
        _needed("interval_unit", sa.Text),
        _needed("interval_count", sa.Integer),
        _needed("start_at", _instant()),
        _needed("anchor_at", _instant()),
        sa.Column("canceled_at", _instant()),
        sa.PrimaryKeyConstraint("tenant_id", "subscription_id"),
    )
    op.create_table(
        "subscription_item",
        _tenant(),
        _needed("item_id", sa.Uuid),
        _needed("subscription_id", sa.Uuid),
        _needed("customer_id", sa.Uuid),
        _needed("version", sa.BigInteger),
        _needed("position", sa.Integer),
        _needed("code", sa.Text),
        sa.Column("price_id", sa.Uuid),
        sa.PrimaryKeyConstraint("tenant_id", "item_id"),
    )
    op.create_index("subscription_item_of", "subscription_item", ["tenant_id", "subscription_id"])
    op.create_table(
        "price",
        _tenant(),
        _needed("price_id", sa.Uuid),
        _needed("meter_code", sa.Text),
        _needed("currency", sa.Text),
        _needed("model", sa.Text),
        sa.PrimaryKeyConstraint("tenant_id", "price_id"),
    )


def _create_rating() -> None:
    op.create_table(
        "rating",
        _tenant(),
        _needed("charge_id", sa.Uuid),
        _needed("rating_id", sa.Uuid),
        _needed("item_id", sa.Uuid),
        _needed("price_id", sa.Uuid),
        _needed("meter_code", sa.Text),
        _needed("period_start", _instant()),
        _needed("period_end", _instant()),
        _needed("quantity", sa.Numeric),
        _needed("event_count", sa.BigInteger),
        _needed("exact_numerator", sa.Numeric),
        _needed("exact_denominator", sa.Numeric),
        _needed("currency", sa.Text),
        _needed("amount_minor", sa.BigInteger),
        _needed("explanation", sa.Text),
        _needed("subjects", postgresql.JSONB),
        _needed("snapshot", Named("pg_snapshot")),
        _needed("rated_at", _instant(), server_default=sa.text("clock_timestamp()")),
        sa.PrimaryKeyConstraint("tenant_id", "charge_id"),
        sa.CheckConstraint("period_end > period_start", name="rating_period"),
    )


def _tenant() -> sa.Column[Any]:
    return _needed("tenant_id", sa.Uuid, server_default=TENANT)


def _needed(name: str, kind: Any, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, **options)


def _instant() -> sa.types.TypeEngine[Any]:
    return postgresql.TIMESTAMP(timezone=True)
