"""A cache whose listener loses its connection, hears nothing, or never had one."""

import asyncio
import os
import signal
from time import monotonic

import psycopg
from billing_kernel.ids import uuid7
from cache_notes import STALE_S, Notes, change, kept, opened, until, write


async def test_a_lost_connection_forgets_everything_and_comes_back(cache, url, postgres, sample_database, tenant_id):
    customer = uuid7()
    key = str(customer)
    await write(sample_database, tenant_id, customer, "old")
    await until(lambda: cache._listener.alive)
    await cache.get(tenant_id, key)
    since_us = cache._listener.since_us
    async with await psycopg.AsyncConnection.connect(postgres.dsn, autocommit=True) as admin:
        await admin.execute("SELECT pg_terminate_backend(%s)", (await backend_of(admin, cache),))
    await change(sample_database, tenant_id, customer, "new")
    committed_s = monotonic()
    while await cache.get(tenant_id, key) != ("new",):
        assert monotonic() - committed_s < STALE_S
    await until(lambda: cache._listener.alive and cache._listener.since_us > since_us)
    await cache.get(tenant_id, key)
    assert kept(cache, tenant_id, key) == ("new",)


async def test_a_silent_connection_loses_its_lease_before_a_second_is_over(cache, postgres, sample_database, tenant_id):
    customer = uuid7()
    key = str(customer)
    await write(sample_database, tenant_id, customer, "old")
    await until(lambda: cache._listener.alive)
    await cache.get(tenant_id, key)
    async with await psycopg.AsyncConnection.connect(postgres.dsn, autocommit=True) as admin:
        backend = await backend_of(admin, cache)
        os.kill(backend, signal.SIGSTOP)  # the connection stands, and nothing comes
        try:
            await change(sample_database, tenant_id, customer, "new")
            committed_s = monotonic()
            while await cache.get(tenant_id, key) != ("new",):
                assert monotonic() - committed_s < STALE_S
                await asyncio.sleep(0.01)
            assert cache.peek(tenant_id, key) is None
        finally:
            os.kill(backend, signal.SIGCONT)
    await until(lambda: cache._listener.alive, 10)


async def test_without_a_listener_every_answer_is_read(sample_database, tenant_id):
    customer, load = uuid7(), Notes(sample_database)
    await write(sample_database, tenant_id, customer, "a")
    async with opened("postgresql://nobody@127.0.0.1:9/none", load) as (_, cache):
        assert [await cache.get(tenant_id, str(customer)) for _ in range(3)] == [("a",)] * 3
        assert load.loads == 3


async def backend_of(admin, cache):
    """The process of the connection that listens for `cache`."""
    found = await admin.execute(
        "SELECT pid FROM pg_stat_activity WHERE query LIKE '%%pg_notify%%' AND application_name = %s",
        (cache._listener.application,),
    )
    return (await found.fetchone())[0]
