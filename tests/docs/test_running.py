"""The statements of the operator's page, run by an administrator who is no superuser, against a real PostgreSQL."""

import re

import psycopg
import pytest
from billing_devstack import ports, postgres
from billing_runtime import migrations
from psycopg import errors

from tools.gen_protos import ROOT

BLOCK = re.compile(r"^```sql\n(.*?)^```", re.MULTILINE | re.DOTALL)
ADMIN = "CREATE ROLE admin LOGIN CREATEDB CREATEROLE PASSWORD 'admin'"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server of its own: roles belong to the server, and others make the same ones."""
    folder = tmp_path_factory.mktemp("running")
    made = postgres.start(folder / "postgres", ports.choose().number, folder / "postgres.log", {"fsync": "off"})
    yield made
    made.stop()


def url(server, role: str, password: str, database: str) -> str:
    return f"postgresql://{role}:{password}@127.0.0.1:{server.port}/{database}"


@pytest.fixture(scope="module")
def provisioned(server):
    (text,) = BLOCK.findall((ROOT / "docs/running.md").read_text())
    before, after = text.split("\\connect billing_usage\n")
    with psycopg.connect(server.dsn, autocommit=True) as superuser:
        superuser.execute(ADMIN)
    for database, statements in (("postgres", before), ("billing_usage", after)):
        with psycopg.connect(url(server, "admin", "admin", database), autocommit=True) as admin:
            for statement in filter(None, map(str.strip, statements.split(";"))):
                admin.execute(statement)
    migrations.upgrade("billing_usage", url(server, "billing_usage_owner", "two", "billing_usage"))
    return server


def test_the_service_has_no_way_round_the_policies(provisioned):
    with psycopg.connect(url(provisioned, "billing_usage", "one", "billing_usage"), autocommit=True) as service:
        assert service.execute("SELECT count(*) FROM meter").fetchone() == (0,)
        with pytest.raises(errors.InsufficientPrivilege):
            service.execute("SELECT count(*) FROM event_rows")
        with pytest.raises(errors.InsufficientPrivilege):
            service.execute("CREATE TABLE mine ()")


def test_the_worker_role_is_taken_and_not_inherited(provisioned):
    with psycopg.connect(url(provisioned, "billing_usage", "one", "billing_usage"), autocommit=True) as service:
        with pytest.raises(errors.InsufficientPrivilege):
            service.execute("SELECT count(*) FROM lease")
        service.execute("SET ROLE billing_usage_worker")
        assert service.execute("SELECT count(*) FROM lease").fetchone() == (0,)
