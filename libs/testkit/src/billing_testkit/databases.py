"""Databases of tests: provisioned like the devstack's, migrated by the service's own migrations."""

from pathlib import Path

from billing_devstack import databases
from billing_devstack.databases import ServiceDatabase
from billing_devstack.postgres import Postgres
from billing_runtime.migrations import upgrade


def migrated(server: Postgres, folder: Path, service: str, package: str, name: str) -> ServiceDatabase:
    """A fresh database `name` with the roles of `service` and the migrations of `package`."""
    keys = databases.passwords(folder / "secrets", service)
    database = databases.provision(server.dsn, service, keys, name)
    upgrade(package, database.migration_database_url)
    return database
