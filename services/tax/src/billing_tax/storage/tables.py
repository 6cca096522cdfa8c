"""The tables of this service."""

from sqlalchemy import CheckConstraint, Column, DateTime, Index, Integer, MetaData, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()

_TENANT = text("current_setting('app.tenant')::uuid")

registration = Table(
    "registration",
    metadata,
    Column("tenant_id", Uuid, primary_key=True, server_default=_TENANT),
    Column("registration_id", Uuid, primary_key=True),
    Column("seller_id", Uuid, nullable=False),
    Column("country", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("scheme", Text, nullable=False),
    Column("tax_number", Text, nullable=False),
    Column("start_at", DateTime(timezone=True), nullable=False),
    Column("end_at", DateTime(timezone=True)),
    Column("metadata", JSONB, nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("end_at > start_at", name="registration_period"),
    Index("registration_seller", "tenant_id", "seller_id"),
    Index(
        "registration_open_once",
        "tenant_id",
        "seller_id",
        "country",
        "region",
        "scheme",
        unique=True,
        postgresql_where=text("end_at IS NULL"),
    ),
)

exemption = Table(
    "exemption",
    metadata,
    Column("tenant_id", Uuid, primary_key=True, server_default=_TENANT),
    Column("exemption_id", Uuid, primary_key=True),
    Column("customer_id", Uuid, nullable=False),
    Column("country", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("certificate_number", Text, nullable=False),
    Column("start_at", DateTime(timezone=True), nullable=False),
    Column("end_at", DateTime(timezone=True)),
    Column("metadata", JSONB, nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("end_at > start_at", name="exemption_period"),
    Index("exemption_customer", "tenant_id", "customer_id"),
)
