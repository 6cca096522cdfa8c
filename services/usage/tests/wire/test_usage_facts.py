"""Facts about subscriptions -> copies."""

import pytest
from billing.common.v1 import period_pb2, price_model_pb2
from billing_kernel.errors import DomainError
from billing_kernel.period import Interval
from billing_pricing import InvalidPriceModel, price_from_json
from billing_usage.wire.subscriptions import UnreadableFacts, model_from_pb, subscription_from_pb


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
    ],
)
def test_price_models(model, expected):
    assert model_from_pb(price_model_pb2.PriceModel(**model)) == price_from_json(expected)


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
