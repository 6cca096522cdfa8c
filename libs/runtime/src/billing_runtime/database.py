"""PostgreSQL of one service: transactions that know their tenant, and the worker role for claims over tenants."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar, cast

import psycopg
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.message import Message
from psycopg import sql
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from billing_runtime import clock, idempotency
from billing_runtime.call import Call, IdempotencyScope, Role
from billing_runtime.database_errors import DatabaseUnavailable, translate, translate_statements
from billing_runtime.idempotency import AlreadyAnswered
from billing_runtime.round_trip import Command, Rows, together
from billing_runtime.transaction import Raw, Transaction, commit

CONNECT_S = 5
POOL_MAX = 100
CHECKOUT_S = 5.0  # how long a call waits for a free connection before it is refused as unavailable
SESSION = "-c idle_in_transaction_session_timeout=120s -c lock_timeout=20s -c timezone=UTC"

T = TypeVar("T")
Rehydrate = Callable[[Transaction, Any], Awaitable[None]]

_CONTEXT = "SELECT set_config('app.tenant', %s, true), set_config('app.customer', %s, true)"
_BEGIN: Command = ("BEGIN", ())
_BEGIN_READ: Command = ("BEGIN READ ONLY", ())
_ROLLBACK: Command = ("ROLLBACK", ())


class Database:
    """The pool of one process. Open it on the event loop that uses it; close it at the end.

    `rehydrate` refills personal fields of replayed answers: full message name -> coroutine(tx, message).
    `written` is set after each commit that published events, so that a relay in the same process need not wait.
    """

    def __init__(self, engine: AsyncEngine, worker_role: str) -> None:
        self.engine = engine
        self.worker_role = worker_role
        self.rehydrate: Mapping[str, Rehydrate] = {}
        self.written = asyncio.Event()

    @classmethod
    def open(cls, url: str, pool_max: int = 10) -> "Database":
        """`url` is the login role's, postgresql://; connections are made when first needed, at most 100."""
        assert 0 < pool_max < POOL_MAX
        parsed = make_url(url).set(drivername="postgresql+psycopg")
        engine = create_async_engine(
            parsed,
            pool_size=pool_max,
            max_overflow=0,
            pool_timeout=CHECKOUT_S,
            isolation_level="AUTOCOMMIT",  # BEGIN and COMMIT are ours: each travels with its neighbours
            connect_args={"connect_timeout": CONNECT_S, "options": SESSION},
        )
        translate_statements(engine.sync_engine)
        return cls(engine, f"{parsed.username}_worker")

    async def close(self) -> None:
        await self.engine.dispose()

    @asynccontextmanager
    async def begin(self, call: Call) -> AsyncIterator[Transaction]:
        """A transaction of the call's tenant. A call with an idempotency key may raise AlreadyAnswered,
        IdempotencyKeyReused or IdempotencyKeyInFlight before the block runs; every block may raise the refusals of
        `database_errors`."""
        async with self._transaction(call, _BEGIN) as tx:
            yield tx
        if tx.published:
            self.written.set()

    @asynccontextmanager
    async def read(self, call: Call) -> AsyncIterator[Transaction]:
        """The same, read only; idempotency keys do not matter to it."""
        async with self._transaction(call, _BEGIN_READ) as tx:
            yield tx

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[AsyncConnection]:
        """A transaction in the worker role: rows of all tenants, on queue tables alone. Commits at the end."""
        start = sql.SQL("BEGIN; SET LOCAL ROLE {}").format(sql.Identifier(self.worker_role))
        async with self._connection() as conn, _ended(conn):
            await _started(conn, lambda raw: raw.execute(start))
            yield conn
            await commit(raw_of(conn))

    @asynccontextmanager
    async def _transaction(self, call: Call, begin: Command) -> AsyncIterator[Transaction]:
        customer = str(call.customer_id) if call.customer_id else ""
        if call.role is Role.CUSTOMER and not customer:
            raise AssertionError("a call of role customer names its customer")
        start = [begin, (_CONTEXT, (str(call.tenant_id), customer))]
        scope = call.idempotency if begin is _BEGIN else None
        if scope is not None:
            start += idempotency.looking_up(scope)
        timeless = begin is not _BEGIN_READ and call.effective_at is None  # a change will ask what time it is
        if timeless:
            start.append((clock.READ, (call.tenant_id,)))
        async with self._connection() as conn, _ended(conn):
            found = await _started(conn, lambda raw: together(raw, start))
            tx = Transaction(conn, raw_of(conn), call)
            if scope is not None:
                await self._judge(tx, scope, *found[2:4])
            if timeless:
                tx.live_at(found[-1][0]["now_at"] if found[-1] else None)
            yield tx
            await tx.commit()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncConnection]:
        try:
            conn = await self.engine.connect()
        except Exception as error:
            raise translate(error) or error from error
        try:
            yield conn
        finally:
            await asyncio.shield(conn.close())

    async def _judge(self, tx: Transaction, scope: IdempotencyScope, lock: Rows, found: Rows) -> None:
        try:
            await idempotency.judge(tx.raw, scope, lock[0]["locked"], found[0] if found else None)
        except AlreadyAnswered as answered:
            raise await self._refilled(tx, answered) from None

    async def _refilled(self, tx: Transaction, answered: AlreadyAnswered) -> AlreadyAnswered:
        refill = self.rehydrate.get(answered.response_type)
        if refill is None:
            return answered
        message = _parsed(answered)
        await refill(tx, message)
        return AlreadyAnswered(message.SerializeToString(deterministic=True), answered.response_type)


def raw_of(conn: AsyncConnection) -> Raw:
    """The psycopg connection under a checked-out SQLAlchemy connection."""
    return cast(Raw, conn.sync_connection.connection.driver_connection)  # type: ignore[union-attr]


def _parsed(answered: AlreadyAnswered) -> Message:
    descriptor = descriptor_pool.Default().FindMessageTypeByName(answered.response_type)
    message: Message = message_factory.GetMessageClass(descriptor)()
    message.ParseFromString(answered.response)
    return message


async def _started(conn: AsyncConnection, send: Callable[[Raw], Awaitable[T]]) -> T:
    """Sends the first statements. After a restart of the server the pool may hold nothing but stale connections: each
    is dropped, nothing has happened on it yet."""
    for _ in range(POOL_MAX):
        try:
            return await send(raw_of(conn))
        except (psycopg.OperationalError, psycopg.InterfaceError):
            await conn.invalidate()
            await conn.run_sync(lambda sync: sync.connection)
    raise DatabaseUnavailable("no pooled connection works")


@asynccontextmanager
async def _ended(conn: AsyncConnection) -> AsyncIterator[None]:
    """Rolls back what did not commit, drops a connection that cannot, and gives the error its type."""
    try:
        yield
    except BaseException as error:
        await asyncio.shield(_rolled_back(conn))
        refusal = translate(error)
        if refusal is None:
            raise
        raise refusal from error


async def _rolled_back(conn: AsyncConnection) -> None:
    if conn.invalidated or conn.closed:  # SQLAlchemy has dropped it
        return
    raw = raw_of(conn)
    pgconn = raw.pgconn
    busy = pgconn.transaction_status == psycopg.pq.TransactionStatus.ACTIVE
    if raw.closed or busy or pgconn.pipeline_status != psycopg.pq.PipelineStatus.OFF:
        await conn.invalidate()
        return
    with suppress(psycopg.Error):
        await together(raw, [_ROLLBACK])
        return
    await conn.invalidate()


__all__ = ["Database", "DatabaseUnavailable", "Rehydrate", "Transaction", "raw_of"]
