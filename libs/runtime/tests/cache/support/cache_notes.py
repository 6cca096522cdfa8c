"""What tests of the cache share: a loader of notes, and ways to write, to wait and to look."""

import asyncio
from contextlib import asynccontextmanager
from time import monotonic

from billing_kernel.ids import uuid7
from billing_runtime.cache import Caches
from billing_testkit.sample.tables import note
from billing_testkit.tenants import admin_call, service_call
from sqlalchemy import insert, select, update

TOPIC = "note.customer_id"
STALE_S = 1.0


class Notes:
    """Loads the texts of a customer's notes; counts, and waits at a gate."""

    def __init__(self, database):
        self.database = database
        self.loads = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, tenant_id, key):
        self.loads += 1
        async with self.database.read(service_call(tenant_id)) as tx:
            rows = await tx.conn.execute(select(note.c.content).where(note.c.customer_id == key))
            found = sorted(rows.scalars())
        await self.gate.wait()
        if not found:
            raise LookupError(key)
        return tuple(found)


@asynccontextmanager
async def opened(url, load, redis_url="", codec=None, size_max=100, name="notes"):
    caches = Caches("sample", url, redis_url)
    cache = caches.cache(name, load, [TOPIC], codec, size_max)
    await caches.open()
    try:
        yield caches, cache
    finally:
        await caches.close()


def kept(cache, tenant_id, key):
    """What it holds, whether or not the lease of this very moment lets it count: the machine may be busy."""
    return cache._entries.get((tenant_id, key))


async def keep(cache, tenant_id, key):
    """Reads until the answer is kept: the notification of its own writing may still be on its way."""
    end_s = monotonic() + 5
    while kept(cache, tenant_id, key) is None:
        assert monotonic() < end_s, "is never kept"
        await cache.get(tenant_id, key)
        await asyncio.sleep(0.005)
    return kept(cache, tenant_id, key)


def load_of(cache):
    return cache._source.load


async def write(database, tenant_id, customer, content):
    async with database.begin(admin_call(tenant_id)) as tx:
        await tx.conn.execute(insert(note).values(note_id=uuid7(), customer_id=customer, content=content))


async def change(database, tenant_id, customer, content):
    async with database.begin(admin_call(tenant_id)) as tx:
        await tx.conn.execute(update(note).where(note.c.customer_id == customer).values(content=content))


async def until(condition, limit_s=5.0):
    end_s = monotonic() + limit_s
    while not condition():
        assert monotonic() < end_s, "never came"
        await asyncio.sleep(0.005)


class Named(Notes):
    """Loads the customer of a note by its text."""

    async def __call__(self, tenant_id, key):
        async with self.database.read(service_call(tenant_id)) as tx:
            found = (await tx.conn.execute(select(note.c.customer_id).where(note.c.content == key))).scalar()
        if found is None:
            raise LookupError(key)
        return found
