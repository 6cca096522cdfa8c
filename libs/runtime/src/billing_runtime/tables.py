"""SQLAlchemy Core tables of the runtime, as `create_runtime_tables` makes them in every service's database."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Identity,
    Index,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

RUNTIME = MetaData()
PARKED = text("state IN ('failed', 'waiting')")


def _tenant(**more: Any) -> Column[Any]:
    return Column("tenant_id", Uuid, nullable=False, server_default=text("current_setting('app.tenant')::uuid"), **more)


def _instant(name: str, default: str | None = None, *, nullable: bool = False) -> Column[Any]:
    return Column(name, DateTime(timezone=True), nullable=nullable, server_default=text(default) if default else None)


def _texts(*names: str, nullable: bool = False) -> list[Column[Any]]:
    return [Column(name, Text, nullable=nullable) for name in names]


def _event_columns() -> list[Column[Any]]:
    return [
        _tenant(),
        Column("shard", SmallInteger, nullable=False),
        *_texts("topic", "key"),
        Column("event_id", Uuid, nullable=False),
        *_texts("type", "subject", "actor", "correlation_id"),
        *_texts("causation_id", "traceparent", nullable=True),
        Column("sequence", BigInteger, nullable=False),
        _instant("effective_at"),
        Column("payload", LargeBinary, nullable=False),
        Column("extra", JSONB),
    ]


outbox = Table(
    "outbox",
    RUNTIME,
    Column("id", BigInteger, nullable=False, server_default=text("nextval('outbox_id_seq')")),
    *_event_columns(),
    _instant("written_at", "clock_timestamp()"),
    PrimaryKeyConstraint("id", "shard"),
    postgresql_partition_by="LIST (shard)",
)

outbox_archive = Table(
    "outbox_archive",
    RUNTIME,
    Column("id", BigInteger, nullable=False, autoincrement=False),
    *_event_columns(),
    _instant("written_at"),
    Column("archived_on", Date, nullable=False, server_default=text("(now() AT TIME ZONE 'UTC')::date")),
    PrimaryKeyConstraint("archived_on", "id"),
    postgresql_partition_by="RANGE (archived_on)",
)

inbox = Table(
    "inbox",
    RUNTIME,
    _tenant(primary_key=True),
    Column("consumer", Text, primary_key=True),
    Column("event_id", Uuid, primary_key=True),
    _instant("received_at", "now()"),
    Index("inbox_received_at", "received_at", postgresql_using="brin"),
)

idempotency = Table(
    "idempotency",
    RUNTIME,
    _tenant(primary_key=True),
    Column("principal", Text, primary_key=True),
    Column("method", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("request_hash", LargeBinary, nullable=False),
    *_texts("response_type"),
    Column("response", LargeBinary, nullable=False),
    _instant("expires_at"),
    Index("idempotency_expires_at", "expires_at", postgresql_using="brin"),
)

dead_letter = Table(
    "dead_letter",
    RUNTIME,
    _tenant(primary_key=True),
    Column("consumer", Text, primary_key=True),
    Column("event_id", Uuid, primary_key=True),
    Column("position", BigInteger, Identity(), nullable=False),
    *_texts("state", "topic", "key", "type", "subject", "actor", "correlation_id"),
    *_texts("causation_id", "traceparent", nullable=True),
    Column("sequence", BigInteger, nullable=False),
    _instant("effective_at"),
    Column("payload", LargeBinary, nullable=False),
    *_texts("reason"),
    _instant("parked_at", "now()"),
    _instant("resolved_at", nullable=True),
    *_texts("resolved_by", "resolved_reason", nullable=True),
    CheckConstraint("state IN ('failed', 'waiting', 'replayed', 'skipped')", name="dead_letter_state"),
    Index("dead_letter_parked", "tenant_id", "consumer", "key", "position", postgresql_where=PARKED),
)

lease = Table(
    "lease",
    RUNTIME,
    Column("name", Text, primary_key=True),
    *_texts("holder"),
    _instant("acquired_at"),
    _instant("expires_at"),
)

tenant_clock = Table("tenant_clock", RUNTIME, _tenant(primary_key=True), _instant("now_at"))
