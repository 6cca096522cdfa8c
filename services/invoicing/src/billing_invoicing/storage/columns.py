"""The columns that the tables share, and their metadata."""

from typing import Any

from sqlalchemy import JSON, BigInteger, Column, DateTime, Integer, MetaData, Text, Uuid, text

metadata = MetaData()


def tenant() -> Column[Any]:
    return Column("tenant_id", Uuid, nullable=False, server_default=text("current_setting('app.tenant')::uuid"))


def uuid(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, Uuid, nullable=nullable)


def text_(name: str, *, nullable: bool = False, default: str | None = None) -> Column[Any]:
    return Column(name, Text, nullable=nullable, server_default=text(default) if default else None)


def number(name: str) -> Column[Any]:
    return Column(name, Integer, nullable=False)


def minor(name: str, *, default: str | None = None) -> Column[Any]:
    return Column(name, BigInteger, nullable=False, server_default=text(default) if default else None)


def instant(name: str, *, nullable: bool = False, default: str | None = None) -> Column[Any]:
    return Column(name, DateTime(timezone=True), nullable=nullable, server_default=text(default) if default else None)


def json(name: str, *, default: str | None = None) -> Column[Any]:
    return Column(name, JSON, nullable=False, server_default=text(default) if default else None)
