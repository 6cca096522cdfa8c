"""The cache on a real PostgreSQL: what it keeps, and that it never keeps it too long."""

import asyncio
from contextlib import suppress
from time import monotonic

import psycopg
import pytest
from billing_kernel.ids import uuid7
from billing_runtime.cache import Caches
from billing_runtime.cache_hot import WarmCaches, hot_entries, note_hot
from billing_runtime.cache_triggers import key_of_text
from billing_testkit.sample.tables import note
from billing_testkit.tenants import admin_call
from cache_notes import STALE_S, TOPIC, Named, Notes, change, keep, kept, load_of, opened, until, write
from sqlalchemy import insert, update


async def test_a_second_look_costs_no_read(cache, sample_database, tenant_id):
    customer = uuid7()
    await write(sample_database, tenant_id, customer, "a")
    await until(lambda: cache._listener.alive)
    assert [await cache.get(tenant_id, str(customer)) for _ in range(50)] == [("a",)] * 50
    assert load_of(cache).loads < 50
    assert await keep(cache, tenant_id, str(customer)) == ("a",)


async def test_a_committed_change_is_seen_within_a_second_and_never_unseen(cache, sample_database, tenant_id):
    customer, key = uuid7(), None
    key = str(customer)
    await write(sample_database, tenant_id, customer, "0")
    for round_ in range(1, 20):
        await cache.get(tenant_id, key)
        await change(sample_database, tenant_id, customer, str(round_))
        committed_s = monotonic()
        while await cache.get(tenant_id, key) != (str(round_),):
            assert monotonic() - committed_s < STALE_S
        for _ in range(20):
            assert await cache.get(tenant_id, key) == (str(round_),)


async def test_what_is_rolled_back_is_never_told(cache, sample_database, tenant_id):
    customer = uuid7()
    await write(sample_database, tenant_id, customer, "kept")
    await until(lambda: cache._listener.alive)
    await keep(cache, tenant_id, str(customer))
    with suppress(RuntimeError):
        async with sample_database.begin(admin_call(tenant_id)) as tx:
            await tx.conn.execute(update(note).where(note.c.customer_id == customer).values(content="gone"))
            raise RuntimeError
    other = uuid7()
    await write(sample_database, tenant_id, other, "other")  # comes through the same queue, later
    await keep(cache, tenant_id, str(other))
    assert kept(cache, tenant_id, str(customer)) == ("kept",)


async def test_tenants_with_the_same_key_are_apart(cache, sample_database, tenant_id):
    customer, theirs = uuid7(), uuid7()
    await write(sample_database, tenant_id, customer, "mine")
    await write(sample_database, theirs, customer, "theirs")
    assert await keep(cache, tenant_id, str(customer)) == ("mine",)
    assert await keep(cache, theirs, str(customer)) == ("theirs",)
    await change(sample_database, theirs, customer, "new")
    await until(lambda: kept(cache, theirs, str(customer)) is None)
    assert kept(cache, tenant_id, str(customer)) == ("mine",)
    with pytest.raises(LookupError):
        await cache.get(uuid7(), str(customer))


async def test_a_read_that_a_change_overtook_is_not_kept(cache, sample_database, tenant_id):
    customer, load = uuid7(), load_of(cache)
    key = str(customer)
    await write(sample_database, tenant_id, customer, "old")
    await until(lambda: cache._listener.alive)
    load.gate.clear()
    reading = asyncio.create_task(cache.get(tenant_id, key))
    await until(lambda: load.loads == 1)
    await asyncio.sleep(0.05)  # its snapshot is taken
    await change(sample_database, tenant_id, customer, "new")
    await until(lambda: cache._flights[tenant_id, key].changed)
    late = asyncio.create_task(cache.get(tenant_id, key))  # does not join what is old already
    await until(lambda: load.loads == 2)
    load.gate.set()
    assert await reading == ("old",)
    assert await late == ("new",)
    assert kept(cache, tenant_id, key) in (("new",), None)
    assert await cache.get(tenant_id, key) == ("new",)


async def test_many_askers_share_one_read_and_the_first_may_give_up(cache, sample_database, tenant_id):
    customer, load = uuid7(), load_of(cache)
    await write(sample_database, tenant_id, customer, "a")
    load.gate.clear()
    askers = [asyncio.create_task(cache.get(tenant_id, str(customer))) for _ in range(50)]
    await until(lambda: load.loads == 1)
    askers[0].cancel()
    load.gate.set()
    found = await asyncio.gather(*askers, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert found[1:] == [("a",)] * 49
    assert load.loads == 1


async def test_a_refusal_is_not_kept(cache, sample_database, tenant_id):
    customer = uuid7()
    for _ in range(2):
        with pytest.raises(LookupError):
            await cache.get(tenant_id, str(customer))
    assert load_of(cache).loads == 2
    await write(sample_database, tenant_id, customer, "a")
    assert await cache.get(tenant_id, str(customer)) == ("a",)


async def test_the_coldest_entries_make_room(url, sample_database, tenant_id):
    customers = [uuid7() for _ in range(4)]
    for customer in customers:
        await write(sample_database, tenant_id, customer, f"note of {customer}")
    async with opened(url, Notes(sample_database), size_max=3) as (caches, cache):
        for customer in customers[:3]:
            await keep(cache, tenant_id, str(customer))
        await cache.get(tenant_id, str(customers[0]))  # is warm again
        await keep(cache, tenant_id, str(customers[3]))
        assert kept(cache, tenant_id, str(customers[1])) is None
        assert kept(cache, tenant_id, str(customers[0])) is not None
        hot = caches.hottest(2)
        assert [key for _, _, key in hot] == [str(customers[3]), str(customers[0])]
    async with opened(url, Notes(sample_database)) as (caches, cache):
        await until(lambda: cache._listener.alive)
        assert await caches.warm([*hot, ("notes", tenant_id, str(uuid7())), ("gone", tenant_id, "x")]) == 2
        assert kept(cache, tenant_id, str(customers[3])) is not None


async def test_a_statement_over_many_rows_tells_all_their_keys(cache, sample_database, tenant_id):
    customers = [uuid7() for _ in range(250)]
    rows = [{"note_id": uuid7(), "customer_id": each, "content": str(each)} for each in customers]
    async with sample_database.begin(admin_call(tenant_id)) as tx:
        await tx.conn.execute(insert(note).values(rows))
    first = customers[:90]
    for customer in first:
        await keep(cache, tenant_id, str(customer))
    async with sample_database.begin(admin_call(tenant_id)) as tx:
        await tx.conn.execute(update(note).values(content=note.c.content + " changed"))
    await until(lambda: not any(kept(cache, tenant_id, str(customer)) for customer in first))


async def test_a_text_is_told_by_its_hash_before_and_after(url, sample_database, tenant_id):
    told = []
    caches = Caches("sample", url)
    caches.listener._heard = lambda topic, tenant, keys: told.extend(keys if tenant == tenant_id else [])
    await caches.open()
    customer = uuid7()
    await write(sample_database, tenant_id, customer, "Müller & Söhne")
    await change(sample_database, tenant_id, customer, "Meier")
    await until(lambda: key_of_text("Meier") in told)
    assert {key_of_text("Müller & Söhne"), key_of_text("Meier"), str(customer)} == set(told)
    await caches.close()


async def test_a_cache_by_text_is_told_by_hashes(url, sample_database, tenant_id):
    customer, load = uuid7(), Named(sample_database)
    caches = Caches("sample", url)
    cache = caches.cache("named", load, ["note.content"], size_max=2, token=key_of_text)
    await caches.open()
    await until(lambda: cache._listener.alive)
    await write(sample_database, tenant_id, customer, "first")
    assert await keep(cache, tenant_id, "first") == customer
    await change(sample_database, tenant_id, customer, "second")
    await until(lambda: kept(cache, tenant_id, "first") is None)
    with pytest.raises(LookupError):
        await cache.get(tenant_id, "first")
    assert await cache.get(tenant_id, "second") == customer
    for number in range(3):
        await write(sample_database, tenant_id, uuid7(), f"text {number}")
        await keep(cache, tenant_id, f"text {number}")
    assert len(cache._by_token) == len(cache._entries) == 2
    await caches.close()


async def test_a_notification_of_another_kind_only_costs_the_entries(cache, url, sample_database, tenant_id):
    customer = uuid7()
    await write(sample_database, tenant_id, customer, "a")
    await until(lambda: cache._listener.alive)
    await keep(cache, tenant_id, str(customer))
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as stranger:
        await stranger.execute("SELECT pg_notify('billing_cache', 'nonsense')")
    await until(lambda: kept(cache, tenant_id, str(customer)) is None)
    assert await cache.get(tenant_id, str(customer)) == ("a",)
    await until(lambda: cache._listener.alive)


async def test_what_was_hot_is_warm_after_a_restart(url, sample_database, tenant_id):
    customers = [uuid7() for _ in range(3)]
    for customer in customers:
        await write(sample_database, tenant_id, customer, f"warm {customer}")
    async with opened(url, Notes(sample_database), name="warm_notes") as (caches, cache):
        await until(lambda: cache._listener.alive)
        for customer in customers:
            await keep(cache, tenant_id, str(customer))
        for _ in range(2):  # noting twice is noting once
            await note_hot(sample_database, caches.hottest(10))
    load = Notes(sample_database)
    caches = Caches("sample", url)
    cache = caches.cache("warm_notes", load, [TOPIC])
    warm = WarmCaches(caches, sample_database)
    await warm.open()
    assert [kept(cache, tenant_id, str(each)) for each in customers] == [(f"warm {each}",) for each in customers]
    assert load.loads == len([key for name, _, key in await hot_entries(sample_database) if name == "warm_notes"]) == 3
    await warm.close()
