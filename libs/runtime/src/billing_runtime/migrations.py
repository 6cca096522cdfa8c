"""Migrations: alembic inside each service's package, run by the role `migrate` with the owner's URL.

A service's `migrations/env.py` calls `run_env(metadata)`; its versions use the helpers of this module, which create the
runtime's tables and give tables their row-level security and grants. The roles `billing_<service>` (login),
`billing_<service>_owner` and `billing_<service>_worker` exist before the first migration.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from alembic import command, context
from alembic.config import Config
from sqlalchemy import Connection, MetaData, create_engine, make_url, text

from billing_runtime.runtime_schema import RUNTIME_DDL

TENANT = "nullif(current_setting('app.tenant', true), '')::uuid"
CUSTOMER = "nullif(current_setting('app.customer', true), '')::uuid"
TENANT_DEFAULT = "current_setting('app.tenant')::uuid"
ALL = "SELECT, INSERT, UPDATE, DELETE"
_LOCK = 4_711_042_001  # one migration a database at a time


class Operations(Protocol):
    """What the helpers need of alembic's `op`."""

    def execute(self, sqltext: str) -> None: ...


def run_env(metadata: MetaData) -> None:
    """The whole of a service's `migrations/env.py`."""
    connection: Connection = context.config.attributes["connection"]
    context.configure(connection=connection, target_metadata=metadata, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()


def upgrade(package: str, url: str, revision: str = "head") -> None:
    """Brings the database at `url` (the owner's) to `revision` of `<package>/migrations`. Replicas wait their turn."""
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    config = Config()
    config.set_main_option("script_location", f"{package}:migrations")
    config.set_main_option("path_separator", "os")
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})
            connection.commit()
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
            connection.commit()
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": _LOCK})
            connection.commit()
    finally:
        engine.dispose()


def login_role(service: str) -> str:
    return f"billing_{service}"


def worker_role(service: str) -> str:
    return f"billing_{service}_worker"


def create_runtime_tables(op: Operations, service: str) -> None:
    """outbox, outbox_archive, inbox, idempotency, dead_letter, lease and tenant_clock, with their policies."""
    for statement in RUNTIME_DDL:
        op.execute(statement)
    login, worker = login_role(service), worker_role(service)
    bulk_table(op, service, "outbox", ("outbox_rows",))
    op.execute(f"GRANT USAGE ON SEQUENCE outbox_id_seq TO {login}, {worker}")
    _worker_access(op, service, "outbox", "SELECT, INSERT, DELETE")
    tenant_table(op, service, "outbox_archive", privileges="SELECT")
    _worker_access(op, service, "outbox_archive", "SELECT, INSERT")
    for table, column in (("inbox", "received_at"), ("idempotency", "expires_at")):
        tenant_table(op, service, table, privileges="SELECT, INSERT, DELETE")
        _worker_access(op, service, table, f"SELECT (tenant_id, {column}), DELETE")
    queue_table(op, service, "dead_letter")
    tenant_table(op, service, "tenant_clock")
    op.execute(f"GRANT {ALL} ON lease TO {worker}")
    op.execute("REVOKE ALL ON FUNCTION roll_outbox_archive(date) FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION roll_outbox_archive(date) TO {worker}")
    op.execute("SELECT roll_outbox_archive((now() AT TIME ZONE 'UTC')::date - 7)")


def tenant_table(
    op: Operations, service: str, name: str, customer_column: str | None = None, *, privileges: str = ALL
) -> None:
    """Row-level security, forced: the login role sees and writes rows of `app.tenant` alone.

    With `customer_column` a call of role customer is limited to that customer's rows as well. Tables that are never
    edited take `privileges="SELECT, INSERT"`.
    """
    login = login_role(service)
    op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
    mine = f"tenant_id = {TENANT}"
    op.execute(f"CREATE POLICY tenant_isolation ON {name} TO {login} USING ({mine}) WITH CHECK ({mine})")
    if customer_column is not None:
        own = f"{CUSTOMER} IS NULL OR {customer_column} = {CUSTOMER}"
        head = f"CREATE POLICY customer_isolation ON {name} AS RESTRICTIVE TO {login}"
        op.execute(f"{head} USING ({own}) WITH CHECK ({own})")
    op.execute(f"GRANT {privileges} ON {name} TO {login}")


def bulk_table(
    op: Operations,
    service: str,
    name: str,
    leaves: Sequence[str] | Mapping[str, str],
    customer_column: str | None = None,
    *,
    privileges: str = ALL,
) -> None:
    """A partitioned table whose leaves take COPY: rows are read and changed through the parent, under its policies.

    `leaves`: names of existing partitions, or name -> bound ("DEFAULT", "FOR VALUES WITH (MODULUS 4, REMAINDER 0)") of
    partitions to be made. The parent's `tenant_id` defaults to the tenant of the transaction.
    """
    tenant_table(op, service, name, customer_column, privileges=privileges)
    op.execute(f"ALTER TABLE {name} ALTER COLUMN tenant_id SET DEFAULT {TENANT_DEFAULT}")
    if isinstance(leaves, Mapping):
        for leaf, bound in leaves.items():
            op.execute(f"CREATE TABLE {leaf} PARTITION OF {name} {bound}")
    for leaf in leaves:
        grant_leaf(op, service, leaf)


def grant_leaf(op: Operations, service: str, leaf: str) -> None:
    """Lets the login role COPY into a leaf, all columns but `tenant_id`, nothing else. Repeat it for new columns."""
    op.execute(f"ALTER TABLE {leaf} ALTER COLUMN tenant_id SET DEFAULT {TENANT_DEFAULT}")
    op.execute(
        f"""DO $$ DECLARE names text; BEGIN
        SELECT string_agg(quote_ident(attname), ', ') INTO names FROM pg_attribute
        WHERE attrelid = '{leaf}'::regclass AND attnum > 0 AND NOT attisdropped AND attname <> 'tenant_id';
        EXECUTE format('GRANT INSERT (%s) ON {leaf} TO {login_role(service)}', names);
        END $$"""
    )


def queue_table(
    op: Operations, service: str, name: str, customer_column: str | None = None, *, worker_privileges: str = ALL
) -> None:
    """A tenant table that the worker role may claim from, over all tenants."""
    tenant_table(op, service, name, customer_column)
    _worker_access(op, service, name, worker_privileges)


def _worker_access(op: Operations, service: str, name: str, privileges: str) -> None:
    worker = worker_role(service)
    op.execute(f"CREATE POLICY worker_access ON {name} TO {worker} USING (true) WITH CHECK (true)")
    op.execute(f"GRANT {privileges} ON {name} TO {worker}")
