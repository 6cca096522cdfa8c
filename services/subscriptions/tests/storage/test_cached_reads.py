"""What is cached survives its way through the shared cache, and is read for the whole tenant but shown to its owner."""

import pytest
from billing_kernel.ids import uuid7
from billing_runtime.cache import Caches
from billing_runtime.call import calling
from billing_subscriptions.domain.catalog_errors import PriceNotFound
from billing_subscriptions.domain.errors import PlanVersionNotFound
from billing_subscriptions.domain.plan import NewVersion, draft
from billing_subscriptions.domain.price import SoldPrice
from billing_subscriptions.storage.cached_reads import (
    CachedReads,
    price_from_json,
    price_to_json,
    version_from_json,
    version_to_json,
)
from billing_subscriptions.storage.unit_of_work import PostgresUnitOfWork
from billing_testkit.tenants import admin_call, customer_call
from subscriptions_builders import flat, metered, plan, seat, utc, version

RUBBISH = [b"", b"{}", b"[]", b"null", b'["a"]', b'{"terms": 1}', b"\xff"]


def test_versions_and_prices_survive_the_shared_cache():
    made = version([flat(), seat(), metered()])
    assert version_from_json(version_to_json(made)) == made
    for item in made.items:
        price = SoldPrice(item.price_id, "EUR", item, made.id, None)
        assert price_from_json(price_to_json(price)) == price


@pytest.mark.parametrize("raw", RUBBISH)
@pytest.mark.parametrize("decode", [version_from_json, price_from_json])
def test_bytes_that_are_none_are_a_value_error(decode, raw):
    with pytest.raises(ValueError):
        decode(raw)


@pytest.fixture
async def cached(database):
    caches = Caches("subscriptions", database.engine.url.render_as_string(hide_password=False))
    made = CachedReads(caches, database)
    await caches.open()
    yield made
    await caches.close()


async def test_a_draft_is_not_there_for_a_customer_and_never_old_for_its_writer(database, cached, tenant_id):
    owner = plan()
    made = draft(
        owner, NewVersion("EUR", version().interval, [flat()], 0), number=1, new_id=uuid7, now=utc("2026-01-01")
    )
    async with database.begin(admin_call(tenant_id)) as tx:
        uow = PostgresUnitOfWork(tx)
        await uow.plans.add(owner)
        await uow.plans.add_version(made)
    price_id = made.items[0].price_id
    with calling(admin_call(tenant_id)):
        assert (await cached.version(made.id)).items == made.items
        assert (await cached.price(price_id)).item.code == "base"
    with calling(customer_call(tenant_id, uuid7())):
        with pytest.raises(PlanVersionNotFound):
            await cached.version(made.id)
        with pytest.raises(PriceNotFound):
            await cached.price(price_id)
    with calling(admin_call(uuid7())), pytest.raises(PlanVersionNotFound):
        await cached.version(made.id)
