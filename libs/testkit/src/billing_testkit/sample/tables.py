"""note: a tenant table with a customer; reading: a bulk table; due: a queue."""

from billing_runtime.cache_hot import cache_hot
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)

METADATA = MetaData()
TENANT = text("current_setting('app.tenant')::uuid")

note = Table(
    "note",
    METADATA,
    Column("tenant_id", Uuid, server_default=TENANT, primary_key=True),
    Column("note_id", Uuid, primary_key=True),
    Column("customer_id", Uuid, nullable=False),
    Column("content", Text, nullable=False),
    Column("position", BigInteger, Identity(), nullable=False),
    Index("note_content", "tenant_id", "content", unique=True),
)

reading = Table(
    "reading",
    METADATA,
    Column("tenant_id", Uuid, server_default=TENANT, nullable=False),
    Column("bucket", BigInteger, nullable=False),
    Column("reading_id", Uuid, nullable=False),
    Column("amount", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant_id", "reading_id", "bucket"),
    postgresql_partition_by="LIST (bucket)",
)

due = Table(
    "due",
    METADATA,
    Column("tenant_id", Uuid, server_default=TENANT, primary_key=True),
    Column("due_id", Uuid, primary_key=True),
    Column("due_at", DateTime(timezone=True), nullable=False),
)

hot = cache_hot(METADATA)
