"""Tables of the usage service. The runtime's own (outbox, inbox, ...) are not here."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP, UUID
from sqlalchemy.types import UserDefinedType

metadata = MetaData()
INSTANT = TIMESTAMP(timezone=True)
TENANT_DEFAULT = text("current_setting('app.tenant')::uuid")
METER_CODE = "meter_code"
KEYS_LEAF = "event_key_rows"
EVENTS_LEAF = "event_rows"


class Named(UserDefinedType[Any]):
    """A type of PostgreSQL by its name, as xid8 or pg_snapshot."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **_: Any) -> str:
        return self.name


def tenant() -> Column[Any]:
    return Column("tenant_id", UUID(), primary_key=True, nullable=False, server_default=TENANT_DEFAULT)


def identity(name: str) -> Column[Any]:
    """Part of an event's identity; compared by bytes, which is also the order in which locks are taken."""
    return Column(name, Text(collation="C"), primary_key=True, nullable=False)


def needed(name: str, kind: Any, **options: Any) -> Column[Any]:
    return Column(name, kind, nullable=False, **options)


meter = Table(
    "meter",
    metadata,
    tenant(),
    Column("meter_id", UUID(), primary_key=True),
    needed("code", Text()),
    needed("name", Text()),
    needed("unit", Text()),
    needed("aggregation", Text()),
    needed("metadata", JSONB()),
    needed("version", BigInteger()),
    needed("created_at", INSTANT),
    needed("updated_at", INSTANT),
    UniqueConstraint("tenant_id", "code", name=METER_CODE),
)

# The identity of every event for ever, so that events themselves may once be archived by time.
event_key = Table(
    "event_key",
    metadata,
    tenant(),
    identity("source"),
    identity("id"),
    needed("content_hash", LargeBinary()),
    needed("batch_id", UUID()),
    postgresql_partition_by="LIST (tenant_id)",
)

# No key of its own: event_key holds it. `event_use` serves rating, `event_batch` (tiny) a look at one event.
event = Table(
    "event",
    metadata,
    Column("tenant_id", UUID(), nullable=False, server_default=TENANT_DEFAULT),
    needed("meter_id", UUID()),
    needed("subject", Text(collation="C")),
    needed("at", INSTANT),
    needed("value", Numeric(38, 18)),
    needed("source", Text(collation="C")),
    needed("id", Text(collation="C")),
    Column("properties", JSONB()),
    needed("batch_id", UUID()),
    Index("event_use", "tenant_id", "meter_id", "subject", "at"),
    Index(
        "event_batch",
        "batch_id",
        postgresql_using="brin",
        postgresql_with={"pages_per_range": 16, "autosummarize": "on"},
    ),
    postgresql_partition_by='RANGE ("at")',
)

# One row a batch; `xid` says which snapshots saw its events.
ingest_batch = Table(
    "ingest_batch",
    metadata,
    tenant(),
    Column("batch_id", UUID(), primary_key=True),
    needed("accepted", Integer()),
    needed("duplicates", Integer()),
    needed("rejected", Integer()),
    needed("xid", Named("xid8"), server_default=text("pg_current_xact_id()")),
    needed("ingested_at", INSTANT, server_default=text("now()")),
)

customer = Table(
    "customer",
    metadata,
    tenant(),
    Column("customer_id", UUID(), primary_key=True),
    needed("version", BigInteger()),
    needed("names", JSONB()),  # [[external id, since, until], ...]
)

subscription = Table(
    "subscription",
    metadata,
    tenant(),
    Column("subscription_id", UUID(), primary_key=True),
    needed("customer_id", UUID()),
    needed("version", BigInteger()),
    needed("time_zone", Text()),
    needed("interval_unit", Text()),
    needed("interval_count", Integer()),
    needed("start_at", INSTANT),
    needed("anchor_at", INSTANT),
    Column("canceled_at", INSTANT),
    Column("cycle_start_at", INSTANT),  # null: the anchor
    Column("first_stub", Text()),  # null: SHORT
)

# Items stay when a newer version of the subscription no longer has them: their last period is still to be rated.
subscription_item = Table(
    "subscription_item",
    metadata,
    tenant(),
    Column("item_id", UUID(), primary_key=True),
    needed("subscription_id", UUID()),
    needed("customer_id", UUID()),
    needed("version", BigInteger()),
    needed("position", Integer()),
    needed("code", Text()),
    Column("price_id", UUID()),  # null: not metered
    Column("window_start_at", INSTANT),  # null: the price counts since the period began
    Index("subscription_item_of", "tenant_id", "subscription_id"),
)

price = Table(
    "price",
    metadata,
    tenant(),
    Column("price_id", UUID(), primary_key=True),
    needed("meter_code", Text()),
    needed("currency", Text()),
    needed("model", Text()),
)

# Frozen for ever. `subjects` and `snapshot` say which events were counted, so that the count can be proved later.
rating = Table(
    "rating",
    metadata,
    tenant(),
    Column("charge_id", UUID(), primary_key=True),
    needed("rating_id", UUID()),
    needed("item_id", UUID()),
    needed("price_id", UUID()),
    needed("meter_code", Text()),
    needed("period_start", INSTANT),
    needed("period_end", INSTANT),
    needed("quantity", Numeric()),
    needed("event_count", BigInteger()),
    needed("exact_numerator", Numeric()),
    needed("exact_denominator", Numeric()),
    needed("currency", Text()),
    needed("amount_minor", BigInteger()),
    needed("explanation", Text()),
    needed("subjects", JSONB()),  # [[subject, since, until], ...]
    needed("snapshot", Named("pg_snapshot")),
    needed("rated_at", INSTANT, server_default=text("clock_timestamp()")),
)
