"""Every model and adjustment, rated from stored events: previews, frozen ratings and GetUsage agree."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from billing.common.v1 import period_pb2, price_model_pb2, ratio_pb2
from billing.subscriptions.v1 import events_pb2, plan_pb2, subscription_pb2
from billing.usage.v1 import meter_pb2, meters_service_pb2, rating_service_pb2, usage_service_pb2
from billing_testkit.tenants import admin_call
from billing_usage.storage.invariants import INVARIANTS
from google.protobuf.json_format import ParseDict

MIDDLE, FEBRUARY = datetime(2026, 1, 16, 12, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
TIERS = [{"up_to": "10", "unit_amount": "2", "flat_amount": "3"}, {"unit_amount": "1"}]
MATRIX = {
    "dimensions": ["region"],
    "cells": [{"values": ["eu"], "unit_amount": "3"}, {"values": ["us"], "unit_amount": "2"}],
}
HOURLY = {"commitment": {"amount": "0.5", "true_up": True, "window": "COMMITMENT_WINDOW_HOUR"}}
# (hour of January, value, region)
EVENTS = [(0, "10", "eu"), (100, "80", "us"), (372, "-4", "eu"), (500, "12.5", "mars")]
EVENTS_MAX = 300  # of one item, in the service under test
MODELS = [
    ({"flat": {"amount": "7"}}, 700),
    ({"per_unit": {"unit_amount": "0.335"}}, 3300),  # 32.9975
    ({"graduated": {"tiers": TIERS}}, 11150),
    ({"volume": {"tiers": TIERS}}, 9850),
    ({"package": {"size": "10", "package_amount": "1", "free_units": "3"}}, 1000),
    ({"percentage": {"rate_percent": "2.5", "fixed_amount": "0.3", "free_events": "1"}}, 281),  # 80, -4, 12.5
    ({"graduated_percentage": {"tiers": [{"up_to": "50", "rate_percent": "2"}, {"rate_percent": "1"}]}}, 149),
    ({"dynamic": {"multiplier": "0.5"}}, 4925),
    ({"matrix": {**MATRIX, "default_unit_amount": "1"}}, 1800 + 16000 + 1250),
    ({"matrix": {**MATRIX, "default_unit_amount": "1"}, "adjustments": {"free_units": "20"}}, 15250),
    # in force for all, 644, 372 and 244 of 744 hours
    ({"time_weighted": {"tiers": [{"unit_amount": "1"}]}}, 8135),
    ({"per_unit": {"unit_amount": "0.1"}, "adjustments": {"maximum_amount": "5", "discount_percent": "10"}}, 500),
    ({"per_unit": {"unit_amount": "0.1"}, "adjustments": {"minimum_amount": "20"}}, 2000),
    ({"per_unit": {"unit_amount": "0.1"}, "adjustments": HOURLY}, 38075),  # 741 hours, 1, 8 and 1.25
    (
        {
            "per_unit": {"unit_amount": "0.001"},
            "adjustments": {"rounding": {"mode": "ROUNDING_MODE_DOWN", "places": 1}},
        },
        0,
    ),
]


@pytest.fixture
async def meters(admin):
    aggregation = meter_pb2.METER_AGGREGATION_SUM
    for code in ("api", "calls"):
        await admin.meters(
            "CreateMeter", meters_service_pb2.CreateMeterRequest(code=code, name=code, aggregation=aggregation)
        )


@pytest.fixture
def subscribe(build, hear, meters):
    """`await subscribe({"flat": ...})`: a subscription with this price on the meter "api"."""

    async def start(price):
        made = build.subscribed(price=ParseDict(price, price_model_pb2.PriceModel()))
        await hear(events_pb2.SubscriptionStarted(subscription=made.facts()))
        return made

    return start


@pytest.fixture
def sent(admin, build):
    """`await sent((hour of January, value, region), ...)`"""

    async def send(*events):
        made = [
            build.event(
                str(uuid4()),
                build.january + timedelta(hours=hour),
                value=value,
                properties={"region": region, "other": "x"},
            )
            for hour, value, region in events
        ]
        response = await admin.usage("IngestEvents", usage_service_pb2.IngestEventsRequest(events=made))
        assert response.accepted == len(events)

    return send


def charge(build, subscribed, start=None, end=FEBRUARY, **changes):
    period = period_pb2.Period(start=build.stamp(start or build.january), end=build.stamp(end))
    fields = {
        "charge_id": str(uuid4()),
        "subscription_item_id": subscribed.item(),
        "subscription_version": subscribed.version,
        "price_id": subscribed.price_id(),
        "period": period,
    }
    return rating_service_pb2.RateItem(**(fields | changes))


async def rate(peer, *items, final=True):
    messages = await peer.rate(rating_service_pb2.BatchRateUsageRequest(items=items, final=final))
    return [answer for message in messages for answer in message.answers]


async def shown(admin, build, subscribed, **span):
    span = span or {"start_time": build.stamp(build.january), "end_time": build.stamp(FEBRUARY)}
    request = usage_service_pb2.GetUsageRequest(subscription_id=subscribed.text, **span)
    return await admin.usage("GetUsage", request)


@pytest.mark.parametrize(
    ("price", "cents"), MODELS, ids=lambda each: next(iter(each)) if isinstance(each, dict) else ""
)
async def test_every_model_costs_the_same_on_every_way(admin, peer, build, subscribe, sent, broken_rules, price, cents):
    subscribed = await subscribe(price)
    await sent(*EVENTS)
    (preview,) = await rate(peer, charge(build, subscribed), final=False)
    (final,) = await rate(peer, item := charge(build, subscribed))
    (usage,) = (await shown(admin, build, subscribed)).items
    assert (final.rating.amount.amount_minor, final.error.reason) == (cents, "")
    assert preview.rating.amount == final.rating.amount == usage.amount
    assert preview.rating.explanation == final.rating.explanation == usage.explanation
    assert (final.rating.quantity, final.rating.event_count) == ("98.5", 4)
    await sent((1, "1000", "eu"))
    assert (await rate(peer, item)) == [final]
    assert await broken_rules() == {}


@pytest.mark.parametrize(
    ("price", "cents"), MODELS, ids=lambda each: next(iter(each)) if isinstance(each, dict) else ""
)
async def test_windows_add_up_to_the_whole(peer, build, subscribe, sent, broken_rules, price, cents):
    subscribed = await subscribe(price)
    await sent(*EVENTS)
    half = ratio_pb2.Ratio(numerator="1", denominator="2")
    first = charge(build, subscribed, end=MIDDLE, limits_share=half)
    second = charge(build, subscribed, MIDDLE, tiers_from_time=build.stamp(build.january), limits_share=half)
    ratings = [answer.rating for answer in await rate(peer, first, second)]
    assert sum(rating.amount.amount_minor for rating in ratings) == cents
    assert [rating.event_count for rating in ratings] == [2, 2]
    assert '"tiers_from":"2026-01-01T00:00:00Z"' in ratings[1].explanation
    assert '"limits_share":"1/2"' in ratings[0].explanation
    assert await broken_rules() == {}


async def test_usage_without_a_cell_is_refused_alone(admin, peer, build, subscribe, sent, refused):
    strict, other = await subscribe({"matrix": MATRIX}), await subscribe({"flat": {"amount": "1"}})
    await sent(*EVENTS)
    answers = await rate(peer, charge(build, strict), charge(build, other))
    assert [answer.error.reason for answer in answers] == ["NO_MATRIX_CELL", ""]
    assert (await refused(shown(admin, build, strict))).reason == "NO_MATRIX_CELL"


async def test_too_many_events_are_refused_alone(admin, peer, build, subscribe, sent, refused):
    single, whole = await subscribe({"percentage": {"rate_percent": "1"}}), await subscribe({"dynamic": {}})
    await sent(*[(hour, "1", "eu") for hour in range(EVENTS_MAX)])
    await sent((600, "1", "eu"))
    answers = await rate(peer, charge(build, single), charge(build, whole), charge(build, single, end=MIDDLE))
    assert [answer.error.reason for answer in answers] == ["TOO_MANY_EVENTS", "", ""]
    assert (await refused(shown(admin, build, single))).reason == "TOO_MANY_EVENTS"


@pytest.mark.parametrize(
    "changes",
    [
        {"limits_share": ratio_pb2.Ratio(numerator="-1", denominator="2")},
        {"limits_share": ratio_pb2.Ratio(numerator="1", denominator="0")},
        {"limits_share": ratio_pb2.Ratio(numerator="1" * 41, denominator="2")},
        {"limits_share": ratio_pb2.Ratio(numerator="half", denominator="2")},
    ],
)
async def test_bad_shares_are_refused_alone(peer, build, subscribe, changes):
    subscribed = await subscribe({"flat": {"amount": "1"}})
    answers = await rate(peer, charge(build, subscribed, **changes), charge(build, subscribed))
    assert [answer.error.reason for answer in answers] == ["INVALID_CHARGE", ""]


async def test_tiers_cannot_go_on_from_behind_the_start(peer, build, subscribe):
    subscribed = await subscribe({"flat": {"amount": "1"}})
    late = charge(build, subscribed, tiers_from_time=build.stamp(MIDDLE))
    same = charge(build, subscribed, tiers_from_time=build.stamp(build.january))
    answers = await rate(peer, late, same)
    assert [answer.error.reason for answer in answers] == ["INVALID_CHARGE", ""]
    assert "tiers_from" not in answers[1].rating.explanation


async def test_what_is_due_at_the_end_is_not_shown_before(admin, build, subscribe):
    subscribed = await subscribe({"per_unit": {"unit_amount": "1"}, "adjustments": {"minimum_amount": "20"}})
    running = await shown(admin, build, subscribed, end_time=build.stamp(datetime(2100, 1, 1, tzinfo=UTC)))
    over = await shown(admin, build, subscribed)
    assert [found.items[0].amount.amount_minor for found in (running, over)] == [0, 2000]


async def test_a_price_that_changed_counts_from_its_window_on(admin, build, hear, subscribe, sent):
    subscribed = await subscribe({"per_unit": {"unit_amount": "1"}})
    await sent(*EVENTS)
    subscribed.version = 2
    facts = subscribed.facts(cancel_time=build.stamp(FEBRUARY))  # so that January is its present period
    facts.subscription.items[0].window_start_time.CopyFrom(build.stamp(MIDDLE))
    await hear(events_pb2.SubscriptionUpdated(subscription=facts))
    request = usage_service_pb2.GetUsageRequest(subscription_id=subscribed.text)
    begun = await admin.usage("GetUsage", request)
    assert (begun.period.start, begun.period.end) == (build.stamp(build.january), build.stamp(FEBRUARY))
    assert (begun.items[0].window.start, begun.items[0].quantity) == (build.stamp(MIDDLE), "8.5")
    asked = await shown(admin, build, subscribed)
    assert (asked.items[0].quantity, asked.items[0].window.start) == ("98.5", build.stamp(build.january))


async def test_add_ons_and_prices_of_ones_own_in_another_currency(peer, build, hear, meters, sent):
    made = build.subscribed(price=build.per_unit("1"), currency="USD")
    facts = made.facts()
    own = plan_pb2.PlanItem()
    own.CopyFrom(facts.plan_items[0])
    dollars = plan_pb2.CurrencyPrice(currency_code="USD", price=build.per_unit("2"), price_id=made.price_id(""))
    own.currency_prices.extend([plan_pb2.CurrencyPrice(currency_code="GBP", price=build.per_unit("3")), dollars])
    facts.subscription.items[0].MergeFrom(subscription_pb2.SubscriptionItem(plan_item_id="", own_item=own))
    facts.subscription.items[0].plan_item_id = ""
    await hear(events_pb2.SubscriptionStarted(subscription=facts))
    await sent((0, "4", "eu"))
    (answer,) = await rate(peer, charge(build, made, price_id=made.price_id("")))
    assert (answer.rating.amount.currency_code, answer.rating.amount.amount_minor) == ("USD", 800)


@pytest.fixture
def broken_rules(usage_database, tenant_id):
    """The invariants that the tenant breaks."""

    async def broken():
        found = {}
        async with usage_database.read(admin_call(tenant_id)) as tx:
            for name, query in INVARIANTS.items():
                rows = await (await tx.raw.execute(query)).fetchall()
                if rows:
                    found[name] = rows
        return found

    return broken
