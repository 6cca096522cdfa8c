"""The tables of bulk migrations: the migration with its progress, which is a queue, and one row a decision."""

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
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from billing_subscriptions.storage.tables import TENANT_DEFAULT, metadata

STATES = "'RUNNING', 'COMPLETE', 'CANCELED'"
OUTCOMES = "'MIGRATED', 'SCHEDULED', 'SKIPPED', 'REFUSED'"
NOW = text("clock_timestamp()")


def _tenant() -> Column[object]:
    return Column("tenant_id", Uuid, nullable=False, server_default=TENANT_DEFAULT)


def _instant(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


# Rules that are NULL are those of each subscription's plan version. `cursor`: every subscription up to this id was
# decided, in the transactions that moved it. `worked_at`, `retry_at` and `failures` are the job's.
subscription_migration = Table(
    "subscription_migration",
    metadata,
    _tenant(),
    Column("migration_id", Uuid, nullable=False),
    Column("from_version_ids", ARRAY(Uuid), nullable=False),
    Column("plan_id", Uuid, nullable=False),
    Column("to_version_id", Uuid, nullable=False),
    Column("change_when", Text),
    Column("proration", JSONB),
    Column("settlement", Text),
    Column("dry_run", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("cursor", Uuid),
    Column("total", BigInteger, nullable=False),
    Column("counts", JSONB, nullable=False),
    Column("totals", JSONB, nullable=False),
    Column("version", BigInteger, nullable=False),
    _instant("created_at"),
    _instant("ended_at", nullable=True),
    Column("worked_at", DateTime(timezone=True), nullable=False, server_default=NOW),
    Column("retry_at", DateTime(timezone=True), nullable=False, server_default=NOW),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    PrimaryKeyConstraint("tenant_id", "migration_id", name="subscription_migration_pkey"),
    ForeignKeyConstraint(
        ["tenant_id", "to_version_id"],
        ["plan_version.tenant_id", "plan_version.plan_version_id"],
        name="subscription_migration_target",
    ),
    CheckConstraint(f"state IN ({STATES})", name="subscription_migration_state"),
    CheckConstraint("(state = 'RUNNING') = (ended_at IS NULL)", name="subscription_migration_ended"),
    Index("subscription_migration_running", "worked_at", postgresql_where=text("state = 'RUNNING'")),
)

# The primary key is the last defence: a subscription is decided once in a migration.
subscription_migration_result = Table(
    "subscription_migration_result",
    metadata,
    _tenant(),
    Column("migration_id", Uuid, nullable=False),
    Column("subscription_id", Uuid, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("charges_minor", BigInteger, nullable=False),
    Column("credits_minor", BigInteger, nullable=False),
    _instant("effective_at", nullable=True),
    Column("decided_at", DateTime(timezone=True), nullable=False, server_default=NOW),
    PrimaryKeyConstraint("tenant_id", "migration_id", "subscription_id", name="subscription_migration_result_pkey"),
    ForeignKeyConstraint(
        ["tenant_id", "migration_id"],
        ["subscription_migration.tenant_id", "subscription_migration.migration_id"],
        name="subscription_migration_result_migration",
    ),
    CheckConstraint(f"outcome IN ({OUTCOMES})", name="subscription_migration_result_outcome"),
    CheckConstraint(
        "(outcome IN ('MIGRATED', 'SCHEDULED')) = (reason = '')", name="subscription_migration_result_reason"
    ),
)
