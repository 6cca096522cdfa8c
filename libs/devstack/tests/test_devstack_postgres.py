"""The server from the wheel: starts, stops, survives kill -9, and gives each service its database and roles."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import psycopg
import pytest
from billing_devstack import ports, postgres
from billing_devstack.errors import FolderInUse, StackError
from billing_devstack.postgres import Passwords, Postgres

FAST = {"fsync": "off"}
KEYS = Passwords("login-password", "owner-password")


def up(folder: Path) -> Postgres:
    return postgres.start(folder / "pg", ports.choose().number, folder / "pg.log", FAST)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    running = up(tmp_path_factory.mktemp("postgres"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def database(server):
    return postgres.provision(server.dsn, "usage", KEYS)


def test_sorts_by_code_point_in_utc(server):
    with psycopg.connect(server.dsn) as connection:
        row = connection.execute("select current_setting('timezone'), 'Z' < 'a', 'é' > 'z', version()").fetchone()
    assert row[:3] == ("UTC", True, True)
    assert row[3].startswith("PostgreSQL 18")


def test_the_folder_is_locked_while_the_server_runs(server):
    with pytest.raises(FolderInUse):
        postgres.start(server.data_dir, 0, server.data_dir.parent / "second.log")


def test_the_password_is_demanded_and_private(server):
    path = server.data_dir.parent / "secrets" / "postgres"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(f"postgresql://postgres:wrong@127.0.0.1:{server.port}/postgres")


def test_data_survives_stop_and_kill(tmp_path):
    first = up(tmp_path)
    with psycopg.connect(first.dsn) as connection:
        connection.execute("create table kept as select 1 as one")
    first.stop()
    second = up(tmp_path)
    with psycopg.connect(second.dsn) as connection:
        connection.execute("insert into kept values (2)")
    second.kill()
    third = up(tmp_path)
    with psycopg.connect(third.dsn) as connection:
        assert connection.execute("select sum(one) from kept").fetchone() == (3,)
    third.stop()


def test_a_server_left_behind_is_ended_by_the_next_start(tmp_path):
    orphan = up(tmp_path)
    orphan._lock.release()  # what the kernel does when the supervisor is killed
    again = up(tmp_path)
    assert orphan.child.exit_code is not None
    again.stop()


def test_a_stale_pid_file_that_names_a_foreign_process_is_no_obstacle(tmp_path):
    up(tmp_path).kill()
    pid_file = tmp_path / "pg" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getppid()), *lines[1:]]))
    up(tmp_path).stop()


def test_a_lost_password_is_said_plainly(tmp_path):
    up(tmp_path).stop()
    (tmp_path / "secrets" / "postgres").write_text("another")
    with pytest.raises(StackError, match="secrets/postgres"):
        up(tmp_path)


def test_provision_is_idempotent(server, database):
    assert postgres.provision(server.dsn, "usage", KEYS) == database


def test_the_login_role_neither_owns_nor_bypasses(database):
    with psycopg.connect(database.database_url) as connection:
        row = connection.execute(
            "select current_user::text, rolsuper, rolbypassrls from pg_roles where rolname = current_user"
        ).fetchone()
        assert row == ("billing_usage", False, False)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("create table mine (id int)")


def test_the_worker_role_is_taken_by_set_role_alone(database):
    with psycopg.connect(database.migration_database_url) as owner:
        owner.execute("create table due (id int)")
        owner.execute("grant select on due to billing_usage_worker")
    with psycopg.connect(database.database_url, autocommit=True) as login:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            login.execute("select * from due")
        with login.transaction():
            login.execute("set local role billing_usage_worker")
            assert login.execute("select * from due").fetchall() == []


def test_a_service_cannot_reach_the_database_of_another(server, database):
    other = postgres.provision(server.dsn, "tax", KEYS)
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        psycopg.connect(database.database_url.removesuffix("billing_usage") + other.name)


def test_a_second_database_for_the_same_roles(server):
    named = postgres.provision(server.dsn, "usage", KEYS, database="usage_of_one_test")
    with psycopg.connect(named.database_url) as connection:
        assert connection.execute("select current_database()").fetchone() == ("usage_of_one_test",)
    postgres.drop_database(server.dsn, "usage_of_one_test")


def test_provision_by_an_operator_who_is_no_superuser(server):
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute("create role operator login createdb createrole password 'operator'")
    dsn = f"postgresql://operator:operator@127.0.0.1:{server.port}/postgres"
    for _ in range(2):
        made = postgres.provision(dsn, "payments", KEYS)
    with psycopg.connect(made.migration_database_url) as owner:
        owner.execute("create table works (id int)")
