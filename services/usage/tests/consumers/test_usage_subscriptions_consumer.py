"""The copies: the same event twice changes nothing, older versions change nothing."""

from dataclasses import replace
from datetime import UTC, datetime

from billing.subscriptions.v1 import events_pb2, policy_pb2
from billing_runtime.consumer import Processor
from billing_testkit.tenants import admin_call, customer_call
from billing_usage.consumers.subscriptions import CUSTOMER_EVENTS, SUBSCRIPTION_EVENTS, subscriptions_consumer
from billing_usage.storage.copy_store import PostgresCopyStore, get_subscription
from billing_usage.wire.subscriptions import subscription_from_pb

FEBRUARY, MARCH = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)
TABLES = ("customer", "subscription", "subscription_item", "price", "dead_letter")


async def everything(database, tenant_id):
    async with database.read(admin_call(tenant_id)) as tx:
        return {
            table: sorted(map(str, await (await tx.raw.execute(f"SELECT * FROM {table}")).fetchall()))
            for table in TABLES
        }


async def copy_of(database, tenant_id, subscribed):
    async with database.read(admin_call(tenant_id)) as tx:
        return await get_subscription(tx, subscribed.subscription_id)


def started(subscribed, **changes):
    return events_pb2.SubscriptionStarted(subscription=subscribed.facts(**changes))


async def test_the_same_event_twice_changes_nothing(usage_database, tenant_id, build):
    processor = Processor(usage_database, subscriptions_consumer(PostgresCopyStore))
    event = build.received(tenant_id, started(build.subscribed()))
    await processor.process([event])
    before = await everything(usage_database, tenant_id)
    await processor.process([event, event])
    assert await everything(usage_database, tenant_id) == before
    assert [len(before[table]) for table in TABLES] == [1, 1, 2, 1, 0]


async def test_every_event_with_facts_is_heard(usage_database, tenant_id, build, hear):
    for message in SUBSCRIPTION_EVENTS:
        subscribed = build.subscribed()
        await hear(message(subscription=subscribed.facts()))
        copied, subjects = await copy_of(usage_database, tenant_id, subscribed)
        assert [item.price.meter_code for item in copied.items] == ["api"]
        assert [subject.text for subject in subjects] == [subscribed.text, subscribed.customer, "external/acme"]


async def test_the_copy_is_what_the_facts_said(usage_database, tenant_id, build, hear):
    subscribed = build.subscribed(meters=("api", "storage"))
    facts = subscribed.facts(cycle_start_time=build.stamp(FEBRUARY), first_stub=policy_pb2.FIRST_STUB_LONG)
    facts.subscription.items[1].window_start_time.CopyFrom(build.stamp(FEBRUARY))
    for item in facts.plan_items:
        item.price.adjustments.maximum_amount = "100"
    await hear(events_pb2.SubscriptionStarted(subscription=facts))
    copied, _ = await copy_of(usage_database, tenant_id, subscribed)
    assert replace(subscription_from_pb(facts), other_item_ids=()) == copied
    subscribed.version = 2  # the window ends with the next version that names none
    await hear(events_pb2.SubscriptionRenewed(subscription=subscribed.facts()))
    copied, _ = await copy_of(usage_database, tenant_id, subscribed)
    assert [item.window_start_at for item in copied.items] == [None, None]


async def test_older_versions_change_nothing(usage_database, tenant_id, build, hear):
    subscribed = build.subscribed(version=3)
    await hear(started(subscribed))
    before = await everything(usage_database, tenant_id)
    subscribed.version = 2
    await hear(events_pb2.SubscriptionCanceled(subscription=subscribed.facts(cancel_time=build.stamp(FEBRUARY))))
    assert await everything(usage_database, tenant_id) == before


async def test_the_newest_of_a_batch_wins(usage_database, tenant_id, build, hear):
    subscribed = build.subscribed()
    messages = []
    for version in (1, 3, 2):
        subscribed.version = version
        messages.append(events_pb2.SubscriptionUpdated(subscription=subscribed.facts()))
    await hear(*messages)
    copied, _ = await copy_of(usage_database, tenant_id, subscribed)
    assert copied.version == 3


async def test_items_that_a_newer_version_lacks_are_no_longer_its_own_but_stay(usage_database, tenant_id, build, hear):
    subscribed = build.subscribed(meters=("api", "storage"))
    await hear(started(subscribed))
    subscribed.version = 2
    del subscribed.item_ids["storage"]
    await hear(events_pb2.SubscriptionUpdated(subscription=subscribed.facts()))
    copied, _ = await copy_of(usage_database, tenant_id, subscribed)
    assert [item.price.meter_code for item in copied.items] == ["api"]
    assert len((await everything(usage_database, tenant_id))["subscription_item"]) == 3


async def test_a_new_external_id_counts_from_its_event_on(usage_database, tenant_id, build, hear):
    subscribed = build.subscribed()
    await hear(started(subscribed))
    facts = events_pb2.CustomerFacts(customer_id=subscribed.customer, version=2, external_id="ajax")
    await hear(events_pb2.CustomerUpdated(customer=facts), at=FEBRUARY)
    _, (_, _, first, second) = await copy_of(usage_database, tenant_id, subscribed)
    assert (first.text, first.until) == ("external/acme", FEBRUARY)
    assert (second.text, second.since) == ("external/ajax", FEBRUARY)
    await hear(events_pb2.CustomerUpdated(customer=facts), at=MARCH)
    _, subjects = await copy_of(usage_database, tenant_id, subscribed)
    assert len(subjects) == 4


async def test_customers_are_heard_by_each_of_their_events(usage_database, tenant_id, build, hear):
    for version, message in enumerate(CUSTOMER_EVENTS, 1):
        facts = events_pb2.CustomerFacts(customer_id=build.subscribed().customer, version=version, external_id="acme")
        await hear(message(customer=facts))
    assert len((await everything(usage_database, tenant_id))["customer"]) == len(CUSTOMER_EVENTS)


async def test_facts_that_cannot_be_used_are_parked_alone(usage_database, tenant_id, build, hear):
    broken, good = build.subscribed(), build.subscribed()
    facts = broken.facts()
    facts.interval.unit = 0
    processor = Processor(usage_database, subscriptions_consumer(PostgresCopyStore))
    await processor.process(
        [
            build.received(tenant_id, events_pb2.SubscriptionStarted(subscription=facts), key="a"),
            build.received(tenant_id, started(good), key="b"),
        ]
    )
    found = await everything(usage_database, tenant_id)
    assert len(found["dead_letter"]) == 1
    assert "UNREADABLE_FACTS" in found["dead_letter"][0]
    assert len(found["subscription"]) == 1


async def test_a_customer_sees_its_own_copies_alone(usage_database, tenant_id, build, hear):
    mine, other = build.subscribed(), build.subscribed()
    await hear(started(mine), started(other))
    async with usage_database.read(customer_call(tenant_id, mine.customer_id)) as tx:
        for table in ("customer", "subscription", "subscription_item"):
            rows = await (await tx.raw.execute(f"SELECT DISTINCT customer_id FROM {table}")).fetchall()
            assert rows == [(mine.customer_id,)]
