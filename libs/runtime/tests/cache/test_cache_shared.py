"""The level that processes share, on a real Valkey: it saves reads, and may be gone, frozen, old or nonsense."""

import os
import signal
from time import monotonic

import pytest
import pytest_asyncio
from billing_devstack import ports
from billing_devstack.valkey import start
from billing_kernel.ids import uuid7
from billing_runtime.cache import Caches, Codec
from billing_testkit.sample.tables import note
from billing_testkit.tenants import admin_call, service_call
from redis.asyncio import Redis
from sqlalchemy import insert, select, update

STALE_S = 1.0


def decoded(raw):
    if not raw.startswith(b"note:"):
        raise ValueError("no note")
    return raw[5:].decode()


NOTES = Codec(lambda content: b"note:" + content.encode(), decoded)


class Notes:
    def __init__(self, database):
        self.database = database
        self.loads = 0

    async def __call__(self, tenant_id, key):
        self.loads += 1
        async with self.database.read(service_call(tenant_id)) as tx:
            return (await tx.conn.execute(select(note.c.content).where(note.c.customer_id == key))).scalar_one()


@pytest.fixture
def url(service_database, sample_database):
    return service_database("sample", "billing_testkit.sample").database_url


class Processes:
    """Several caches of one name, as so many processes have them."""

    def __init__(self, url, database):
        self.url, self.database = url, database
        self.all = []

    async def start(self, redis_url, url=None):
        load = Notes(self.database)
        caches = Caches("sample", url or self.url, redis_url)
        cache = caches.cache("notes", load, ["note.customer_id"], NOTES)
        await caches.open()
        self.all.append(caches)
        return cache, load


@pytest_asyncio.fixture(loop_scope="session")
async def processes(url, sample_database):
    made = Processes(url, sample_database)
    yield made
    for caches in made.all:
        await caches.close()


@pytest_asyncio.fixture(loop_scope="session")
async def customer(sample_database, tenant_id):
    made = uuid7()
    async with sample_database.begin(admin_call(tenant_id)) as tx:
        await tx.conn.execute(insert(note).values(note_id=uuid7(), customer_id=made, content=f"old {made}"))
    return made


async def change(database, tenant_id, customer, content):
    async with database.begin(admin_call(tenant_id)) as tx:
        await tx.conn.execute(update(note).where(note.c.customer_id == customer).values(content=content))


async def test_a_second_process_takes_what_the_first_has_read(processes, valkey, tenant_id, customer):
    (first, _), (second, load) = await processes.start(valkey.url), await processes.start(valkey.url)
    key = str(customer)
    assert await first.get(tenant_id, key) == await second.get(tenant_id, key) == f"old {customer}"
    assert load.loads == 0
    assert second._entries[tenant_id, key] == f"old {customer}"


async def test_a_change_is_seen_everywhere_within_a_second(processes, valkey, sample_database, tenant_id, customer):
    started = [await processes.start(valkey.url) for _ in range(3)]
    key = str(customer)
    for round_ in range(8):
        for cache, _ in started:
            await cache.get(tenant_id, key)
        content = f"{customer} {round_}"
        await change(sample_database, tenant_id, customer, content)
        committed_s = monotonic()
        for cache, _ in started:
            while await cache.get(tenant_id, key) != content:
                assert monotonic() - committed_s < STALE_S
            assert [await cache.get(tenant_id, key) for _ in range(10)] == [content] * 10


async def test_without_a_listener_a_value_of_valkey_counts_for_less_than_a_second(
    processes, valkey, sample_database, tenant_id, customer
):
    first, _ = await processes.start(valkey.url)
    deaf, load = await processes.start(valkey.url, "postgresql://nobody@127.0.0.1:9/none")
    key = str(customer)
    await first.get(tenant_id, key)
    await deaf.get(tenant_id, key)
    assert load.loads == 1  # it does not even know the database's time
    await change(sample_database, tenant_id, customer, f"new {customer}")
    assert await deaf.get(tenant_id, key) == f"new {customer}"


@pytest.mark.parametrize("raw", [b"", b"short", b"\xff" * 40, bytes(8) + b"note:ancient", b"\x7f" * 8 + b"note:coming"])
async def test_what_makes_no_sense_is_a_miss(processes, valkey, tenant_id, customer, raw):
    cache, load = await processes.start(valkey.url)
    async with Redis.from_url(valkey.url) as redis:
        await redis.set(f"billing:sample:notes:{tenant_id}:{customer}", raw)
    assert await cache.get(tenant_id, str(customer)) == f"old {customer}"
    assert load.loads == 1


async def test_a_young_value_that_does_not_parse_is_a_miss(processes, valkey, tenant_id, customer):
    cache, load = await processes.start(valkey.url)
    async with Redis.from_url(valkey.url) as redis:
        young = cache._listener.latest_us().to_bytes(8, "big") + b"rubbish"
        await redis.set(f"billing:sample:notes:{tenant_id}:{customer}", young)
    assert await cache.get(tenant_id, str(customer)) == f"old {customer}"
    assert load.loads == 1


async def test_a_value_read_before_a_change_that_was_heard_of_is_not_taken(
    processes, valkey, sample_database, tenant_id, customer
):
    (first, _), (second, _) = await processes.start(valkey.url), await processes.start(valkey.url)
    key, name = str(customer), f"billing:sample:notes:{tenant_id}:{customer}"
    await first.get(tenant_id, key)
    async with Redis.from_url(valkey.url) as redis:
        kept = await redis.get(name)
        await change(sample_database, tenant_id, customer, f"new {customer}")
        while await second.get(tenant_id, key) != f"new {customer}":
            pass
        second.drop(tenant_id, [key])
        await redis.set(name, kept, px=1000)  # as a slow process might, that read it before
        assert await second.get(tenant_id, key) == f"new {customer}"


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSTOP])
async def test_valkey_dies_or_freezes_in_mid_flight(processes, stack_folder, sample_database, tenant_id, customer, end):
    server = start(stack_folder / f"valkey-{end.name}", ports.choose().number, stack_folder / "doomed.log")
    try:
        cache, load = await processes.start(server.url)
        key = str(customer)
        await cache.get(tenant_id, key)
        os.kill(server.child.pid, end)
        for round_ in range(3):
            await change(sample_database, tenant_id, customer, f"{customer} {round_}")
            committed_s = monotonic()
            while await cache.get(tenant_id, key) != f"{customer} {round_}":
                assert monotonic() - committed_s < STALE_S
        assert load.loads >= 4
        assert [await cache.get(tenant_id, key) for _ in range(5)] == [f"{customer} 2"] * 5
    finally:
        server.child.kill()
