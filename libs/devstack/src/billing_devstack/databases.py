"""One database a service, with the three roles that row-level security and migrations rely on."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from billing_devstack.errors import NotSupported
from billing_devstack.folder import secret

PROVISION_LOCK = 7_226_001
OLDEST_VERSION = 16


@dataclass(frozen=True, slots=True)
class Passwords:
    """Passwords of the two login roles of a service."""

    login: str = field(repr=False)
    owner: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ServiceDatabase:
    """Two plain libpq URLs of one database: the service's own, without rights to go round policies, and its owner's."""

    name: str
    database_url: str = field(repr=False)
    migration_database_url: str = field(repr=False)


def passwords(secrets_dir: Path, service: str) -> Passwords:
    """The passwords of a service, made at first use and kept in files of mode 0600."""
    return Passwords(secret(secrets_dir, f"billing_{service}"), secret(secrets_dir, f"billing_{service}_owner"))


def provision(superuser_dsn: str, service: str, keys: Passwords, database: str | None = None) -> ServiceDatabase:
    """Makes `billing_<service>` and its roles, or brings them up to date; may run any number of times, also at once.

    Roles: `billing_<service>` logs in and is bound by every policy; `billing_<service>_owner` logs in, owns the
    database and runs migrations; `billing_<service>_worker` cannot log in and is taken by SET ROLE alone.
    `database` gives the database another name (roles belong to the server and keep theirs). The caller needs
    CREATEDB and CREATEROLE, not necessarily superuser. Raises NotSupported for a server older than 16.
    """
    login = f"billing_{service}"
    name = database or login
    with psycopg.connect(superuser_dsn, autocommit=True) as server:
        if server.info.server_version < OLDEST_VERSION * 10_000:
            raise NotSupported(f"PostgreSQL {OLDEST_VERSION} or newer is needed, this is {server.info.server_version}")
        server.execute("select pg_advisory_lock(%s)", [PROVISION_LOCK])
        _make_roles(server, login, keys)
        _make_database(server, name, login)
    with psycopg.connect(_at(superuser_dsn, database=name), autocommit=True) as inside:
        inside.execute("select pg_advisory_lock(%s)", [PROVISION_LOCK])
        _grant_schema(inside, login)
    return locate(superuser_dsn, service, keys, database)


def locate(server_dsn: str, service: str, keys: Passwords, database: str | None = None) -> ServiceDatabase:
    """The URLs of a service's database on this server, whether or not it is provisioned; asks nobody."""
    login = f"billing_{service}"
    name = database or login
    return ServiceDatabase(
        name,
        _at(server_dsn, database=name, user=login, password=keys.login),
        _at(server_dsn, database=name, user=f"{login}_owner", password=keys.owner),
    )


def drop_database(superuser_dsn: str, name: str) -> None:
    """Drops a database and cuts its sessions; nothing happens when there is none. Roles stay."""
    with psycopg.connect(superuser_dsn, autocommit=True) as server:
        server.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


def _make_roles(server: psycopg.Connection, login: str, keys: Passwords) -> None:
    plain = "nosuperuser nocreatedb nocreaterole"
    _role(server, login, f"login {plain} nobypassrls", keys.login)
    _role(server, f"{login}_owner", f"login {plain} nobypassrls", keys.owner)
    _role(server, f"{login}_worker", f"nologin {plain} nobypassrls", None)
    _run(server, "grant {} to {} with inherit false, set true", f"{login}_worker", login)
    row = server.execute("select rolsuper, rolname from pg_roles where rolname = current_user").fetchone()
    if row is not None and not row[0]:
        _run(server, "grant {} to {} with inherit true, set true", f"{login}_owner", str(row[1]))


def _role(server: psycopg.Connection, name: str, options: str, password: str | None) -> None:
    """Attributes that only a superuser may set are left alone when they already are as wanted (the default)."""
    exists = server.execute("select 1 from pg_roles where rolname = %s", [name]).fetchone()
    if not exists:
        # A role is made without any right; saying so again is for superusers alone.
        _run(server, "create role {} " + options.split()[0], name)
    elif server.execute("select rolsuper from pg_roles where rolname = current_user").fetchone() == (True,):
        _run(server, "alter role {} " + options, name)
    if password is not None:
        statement = sql.SQL("alter role {} password {}").format(sql.Identifier(name), sql.Literal(password))
        server.execute(statement)


def _make_database(server: psycopg.Connection, name: str, login: str) -> None:
    if not server.execute("select 1 from pg_database where datname = %s", [name]).fetchone():
        _run(server, "create database {} owner {}", name, f"{login}_owner")
    _run(server, "revoke all on database {} from public", name)
    _run(server, "grant connect, temporary on database {} to {}", name, login)


def _grant_schema(inside: psycopg.Connection, login: str) -> None:
    _run(inside, "alter schema public owner to {}", f"{login}_owner")
    _run(inside, "revoke all on schema public from public")
    _run(inside, "grant usage on schema public to {}, {}", login, f"{login}_worker")


def _run(connection: psycopg.Connection, text: str, *names: str) -> None:
    connection.execute(sql.SQL(text).format(*(sql.Identifier(name) for name in names)))


def _at(dsn: str, *, database: str, user: str | None = None, password: str | None = None) -> str:
    """The same server, another database and perhaps another login."""
    parts = urlsplit(dsn)
    place = parts.netloc
    if user is not None:
        login = f"{quote(user, safe='')}:{quote(password or '', safe='')}"
        place = f"{login}@{parts.netloc.rpartition('@')[2]}"
    return urlunsplit((parts.scheme, place, f"/{database}", parts.query, ""))
