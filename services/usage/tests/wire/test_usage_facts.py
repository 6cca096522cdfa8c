"""Facts about subscriptions -> copies."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from billing.common.v1 import period_pb2, price_model_pb2
from billing.subscriptions.v1 import plan_pb2, policy_pb2
from billing_kernel.cycle import Cycle, FirstStub
from billing_kernel.errors import DomainError
from billing_kernel.ids import encode
from billing_kernel.period import Interval
from billing_pricing import InvalidPriceModel, price_from_json
from billing_usage.wire.subscriptions import UnreadableFacts, model_from_pb, subscription_from_pb

MIDDLE = datetime(2026, 1, 16, tzinfo=UTC)


def test_metered_items_come_with_their_prices(build):
    subscribed = build.subscribed(meters=("api", "storage"))
    found = subscription_from_pb(subscribed.facts(cancel_time=build.stamp(build.february)))
    assert [item.price.meter_code for item in found.items] == ["api", "storage"]
    assert [item.code for item in found.items] == ["api-item", "storage-item"]
    assert found.other_item_ids == (subscribed.item_ids[""],)
    assert (found.cycle.interval, found.version) == (Interval("month", 1), 1)
    assert (found.cycle.anchor, found.canceled_at) == (build.january, build.february)
    assert found.external_customer_id == "acme"


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ({"flat": {"amount": "49.00"}}, {"model": "flat", "amount": "49"}),
        ({"per_unit": {"unit_amount": "0.002"}}, {"model": "per_unit", "unit_amount": "0.002"}),
        (
            {"graduated": {"tiers": [{"up_to": "10", "unit_amount": "0"}, {"unit_amount": "1", "flat_amount": "2"}]}},
            {
                "model": "graduated",
                "tiers": [
                    {"up_to": "10", "unit_amount": "0"},
                    {"up_to": None, "unit_amount": "1", "flat_amount": "2"},
                ],
            },
        ),
        (
            {"dynamic": {}, "adjustments": {"rounding": {"mode": "ROUNDING_MODE_DOWN"}}},
            {"model": "dynamic", "adjustments": {"rounding": {"mode": "down"}}},
        ),
    ],
)
def test_price_models(model, expected):
    assert model_from_pb(price_model_pb2.PriceModel(**model)) == price_from_json(expected)


STUBS = {
    policy_pb2.FIRST_STUB_UNSPECIFIED: FirstStub.SHORT,
    policy_pb2.FIRST_STUB_SHORT: FirstStub.SHORT,
    policy_pb2.FIRST_STUB_LONG: FirstStub.LONG,
    policy_pb2.FIRST_STUB_NONE: FirstStub.NONE,
}


@pytest.mark.parametrize("stub", policy_pb2.FirstStub.values())
def test_a_cycle_may_begin_off_its_boundaries(build, stub):
    facts = build.subscribed().facts(cycle_start_time=build.stamp(MIDDLE), first_stub=stub)
    month = Interval("month", 1)
    assert subscription_from_pb(facts).cycle == Cycle(build.january, "UTC", month, MIDDLE, STUBS[stub])


def test_a_cycle_begins_with_its_anchor_and_that_with_the_start(build):
    facts = build.subscribed().facts()
    assert subscription_from_pb(facts).cycle == Cycle(build.january, "UTC", Interval("month", 1), build.january)
    facts.subscription.ClearField("anchor_time")
    assert subscription_from_pb(facts).cycle == Cycle(build.january, "UTC", Interval("month", 1), build.january)


def test_an_item_of_its_own_and_a_price_in_the_currency_of_the_subscription(build):
    subscribed = build.subscribed(currency="USD")
    facts = subscribed.facts()
    own = plan_pb2.PlanItem()
    own.CopyFrom(facts.plan_items[0])
    own.code = "add-on"
    for number, currency in enumerate(("GBP", "USD")):
        price_id = encode("price", UUID(int=number))
        own.currency_prices.add(currency_code=currency, price=build.per_unit(str(number + 2)), price_id=price_id)
    del facts.plan_items[0]
    facts.subscription.items[0].own_item.CopyFrom(own)
    facts.subscription.items[0].window_start_time.CopyFrom(build.stamp(MIDDLE))
    (item,) = subscription_from_pb(facts).items
    assert (item.code, item.window_start_at) == ("add-on", MIDDLE)
    assert (item.price.price_id, item.price.currency) == (UUID(int=1), "USD")
    assert item.price.model == price_from_json({"model": "per_unit", "unit_amount": "3"})


def test_facts_that_cannot_be_used_are_refused(build):
    facts = build.subscribed().facts()
    facts.interval.unit = period_pb2.INTERVAL_UNIT_UNSPECIFIED
    with pytest.raises(UnreadableFacts):
        subscription_from_pb(facts)
    facts = build.subscribed().facts()
    del facts.plan_items[:]
    with pytest.raises(UnreadableFacts):
        subscription_from_pb(facts)
    facts = build.subscribed(price=price_model_pb2.PriceModel()).facts()
    with pytest.raises(InvalidPriceModel):
        subscription_from_pb(facts)
    facts = build.subscribed(price=build.per_unit("1e3")).facts()
    with pytest.raises(DomainError):
        subscription_from_pb(facts)
