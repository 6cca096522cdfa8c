"""All five services in one process: real PostgreSQL, gRPC and tokens; events and jobs move when a test says so."""

import importlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from uuid import UUID

import psycopg
from billing_devstack import keys as issuer
from billing_devstack import ports
from billing_devstack.databases import ServiceDatabase
from billing_devstack.environment import USER_AUDIENCE, USER_ISSUER
from billing_runtime.database import Database
from billing_runtime.invariants import RUNTIME_INVARIANTS
from billing_runtime.jobs import Job, job_call
from billing_runtime.service import Running, Service, start
from billing_testkit.mesh import Mesh
from psycopg import sql
from sqlalchemy.ext.asyncio import AsyncConnection

NAMES = ("tax", "usage", "subscriptions", "payments", "invoicing")
HOUSEKEEPING = {
    "outbox_archive",
    "inbox_purge",
    "idempotency_purge",
    "invariants",
    "content_hashes",
    "prune_standings",
    "republish_dues",
}
ROUNDS_MAX = 200
RUNTIME = {"inbox", "outbox", "outbox_archive", "idempotency", "dead_letter", "tenant_clock", "cache_hot"}
_TABLES = """
SELECT table_name FROM information_schema.columns JOIN pg_class ON oid = table_name::regclass
WHERE table_schema = 'public' AND column_name = 'tenant_id' AND relkind IN ('r', 'p') AND NOT relispartition
"""
_DIGEST = "SELECT count(*), md5(string_agg(row::text, '|' ORDER BY row::text)) FROM {} AS row WHERE tenant_id = %s"

DatabaseOf = Callable[..., ServiceDatabase]


@dataclass
class Servers:
    """The running services by name, the mesh between them and the jobs that the clock would drive."""

    keys: issuer.Keys
    running: Mapping[str, Running]
    databases: Mapping[str, ServiceDatabase]
    superuser_dsn: str
    mesh: Mesh
    jobs: Sequence[Job]

    @classmethod
    async def open(cls, database_of: DatabaseOf, superuser_dsn: str, folder: Path) -> "Servers":
        """`database_of` is the fixture `service_database`; `folder` takes keys and blobs."""
        keys = issuer.ensure(folder / "keys")
        databases = {name: database_of(name, f"billing_{name}", name=f"scenario_{name}") for name in NAMES}
        env = _environment(keys, folder)
        running = {name: await _start(name, {**env, **_own(name, env, keys, databases[name])}) for name in NAMES}
        opened = {name: each.parts.database for name, each in running.items()}
        consumers = [(opened[name], consumer) for name, each in running.items() for consumer in each.built.consumers]
        jobs = [job for each in running.values() for job in each.built.jobs if job.name not in HOUSEKEEPING]
        return cls(keys, running, databases, superuser_dsn, Mesh(list(opened.values()), consumers), jobs)

    def address(self, service: str) -> str:
        return f"127.0.0.1:{self.running[service].port}"

    def database(self, service: str) -> Database:
        return self.running[service].parts.database

    async def settle(self) -> None:
        """Events and jobs take turns until neither moves."""
        for _ in range(ROUNDS_MAX):
            moved = bool(await self.mesh.settle())
            for job in self.jobs:
                moved = await _drained(job) or moved
            if not moved and not self._hasten():
                return
        raise AssertionError(f"still not quiet after {ROUNDS_MAX} rounds")

    async def broken_rules(self, tenant_id: UUID) -> dict[str, int]:
        """Every invariant of every service that the tenant's rows break, with how many do; empty when all hold."""
        broken = {}
        for name in NAMES:
            own = importlib.import_module(f"billing_{name}.storage.invariants").INVARIANTS
            assert own, f"{name} has invariants"
            async with self.database(name).read(job_call("invariants", tenant_id)) as tx:
                for rule, query in own.items():
                    broken[f"{name}.{rule}"] = await _count(tx.conn, query)
            async with self.database(name).worker() as conn:
                for rule, query in RUNTIME_INVARIANTS.items():
                    broken[f"{name}.{rule}"] = await _count(conn, query)
        return {rule: rows for rule, rows in broken.items() if rows}

    def content(self, tenant_id: UUID, leave_out: Collection[str] = ()) -> dict[str, str]:
        """A digest of the tenant's rows in each table of the services' own, but for those left out."""
        found = {}
        for service in NAMES:
            with self.connect(service) as conn:
                tables = [str(row[0]) for row in conn.execute(_TABLES).fetchall()]
                for table in (name for name in tables if name not in (*RUNTIME, *leave_out)):
                    digest = sql.SQL(_DIGEST).format(sql.Identifier(table))
                    found[f"{service}.{table}"] = str(conn.execute(digest, [tenant_id]).fetchone())
        return found

    def connect(self, service: str) -> psycopg.Connection:
        """A superuser's look at the service's database, over all tenants."""
        name = self.databases[service].name
        return psycopg.connect(f"{self.superuser_dsn.rpartition('/')[0]}/{name}", autocommit=True)

    @cached_property
    def payments(self) -> psycopg.Connection:
        return self.connect("payments")

    async def stop(self) -> None:
        self.payments.close()
        await self.mesh.close()
        for each in self.running.values():
            await each.stop()

    def _hasten(self) -> int:
        """Lets the seconds of wall time pass that an unclear payment is held for."""
        held = "state = 'UNKNOWN' AND held_until > clock_timestamp()"
        return self.payments.execute(f"UPDATE payment_attempt SET held_until = clock_timestamp() WHERE {held}").rowcount


async def _count(conn: AsyncConnection, query: str) -> int:
    return int((await conn.exec_driver_sql(f"SELECT count(*) FROM ({query}) AS broken")).scalar_one())


async def _drained(job: Job) -> bool:
    moved = False
    for _ in range(ROUNDS_MAX):
        if await job.run() <= 0:
            return moved
        moved = True
    raise AssertionError(f"job {job.name} never ends")


async def _start(name: str, env: Mapping[str, str]) -> Running:
    config, main = (importlib.import_module(f"billing_{name}.{module}") for module in ("config", "main"))
    settings = config.read_settings(env)
    made: Service = main.service(*settings) if isinstance(settings, tuple) else main.service(settings)
    return await start(made, "serve", env)


def _environment(keys: issuer.Keys, folder: Path) -> dict[str, str]:
    chosen = ports.choose_all(dict.fromkeys(NAMES, 0))
    addresses = {f"{name.upper()}_ADDRESS": port.address for name, port in chosen.items()}
    return addresses | {
        "USER_JWKS": str(keys.user_jwks),
        "USER_ISSUER": USER_ISSUER,
        "USER_AUDIENCE": USER_AUDIENCE,
        "SERVICE_JWKS": str(keys.service_jwks),
        "BLOB_URL": f"file://{folder / 'blobs'}",
        "METRICS_ADDRESS": "127.0.0.1:0",
        "DRAIN_NOTICE_S": "0",
        "DRAIN_S": "5",
    }


def _own(name: str, env: Mapping[str, str], keys: issuer.Keys, database: ServiceDatabase) -> dict[str, str]:
    return {
        "GRPC_ADDRESS": env[f"{name.upper()}_ADDRESS"],
        "SERVICE_KEY": str(keys.service_key(name)),
        "DATABASE_URL": database.database_url,
    }
