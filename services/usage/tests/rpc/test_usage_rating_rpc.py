"""GetUsage and BatchRateUsage through the real server, on events that came by IngestEvents."""

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import grpc
import pytest
from billing.subscriptions.v1 import events_pb2
from billing.usage.v1 import meter_pb2, meters_service_pb2, rating_service_pb2, usage_service_pb2
from billing_kernel.ids import encode, uuid7
from billing_testkit.tenants import admin_call
from billing_usage.storage.invariants import INVARIANTS

FEBRUARY, MARCH = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)
METERS = {
    "api": meter_pb2.METER_AGGREGATION_SUM,
    "calls": meter_pb2.METER_AGGREGATION_COUNT,
    "peak": meter_pb2.METER_AGGREGATION_MAX,
}


@pytest.fixture
async def meters(admin):
    for code, aggregation in METERS.items():
        request = meters_service_pb2.CreateMeterRequest(code=code, name=code, aggregation=aggregation)
        await admin.meters("CreateMeter", request)


@pytest.fixture
async def subscribed(build, hear, meters):
    made = build.subscribed(meters=tuple(METERS))
    await hear(events_pb2.SubscriptionStarted(subscription=made.facts()))
    return made


async def ingest(client, *events):
    response = await client.usage("IngestEvents", usage_service_pb2.IngestEventsRequest(events=events))
    assert response.accepted == len(events)


def charge(build, subscribed, meter="api", **changes):
    fields = {
        "charge_id": str(uuid4()),
        "subscription_item_id": subscribed.item(meter),
        "subscription_version": subscribed.version,
        "price_id": subscribed.price_id(meter),
        "period": build.period(),
    }
    return rating_service_pb2.RateItem(**(fields | changes))


async def rate(client, *items, final=True):
    messages = await client.rate(rating_service_pb2.BatchRateUsageRequest(items=items, final=final))
    assert [message.end for message in messages] == [False] * (len(messages) - 1) + [True]
    assert all(len(message.answers) <= 500 for message in messages)
    return [answer for message in messages for answer in message.answers]


async def usage(client, subscribed, **span):
    request = usage_service_pb2.GetUsageRequest(subscription_id=subscribed.text, **span)
    return await client.usage("GetUsage", request)


async def test_usage_by_every_name_and_within_the_period_alone(admin, subscribed, build):
    await ingest(
        admin,
        build.event(1, value="6000"),
        build.event(2, value="5000", subscription_id=subscribed.text),
        build.event(3, value="1500.5", customer_id=subscribed.customer),
        build.event(4, value="99", at=FEBRUARY),
        build.event(5, value="99", external_customer_id="other"),
        build.event(6, meter_code="calls", value="7"),
        build.event(7, meter_code="calls"),
        build.event(8, meter_code="peak", value="-3"),
        build.event(9, meter_code="peak", value="-8"),
    )
    found = await usage(admin, subscribed, start_time=build.stamp(build.january), end_time=build.stamp(FEBRUARY))
    assert [(item.meter_code, item.quantity, item.event_count, item.amount.amount_minor) for item in found.items] == [
        ("api", "12500.5", 3, 500),
        ("calls", "2", 2, 0),
        ("peak", "-3", 2, 0),
    ]
    assert [item.aggregation for item in found.items] == list(METERS.values())
    assert found.items[0].code == "api-item"
    assert '"event_count":"3"' in found.items[0].explanation


async def test_an_invoice_costs_what_get_usage_said(admin, peer, subscribed, build):
    await ingest(admin, *(build.event(number, value="1000") for number in range(250)))
    span = {"start_time": build.stamp(build.january), "end_time": build.stamp(FEBRUARY)}
    shown = (await usage(admin, subscribed, **span)).items[0]
    (preview,) = await rate(peer, charge(build, subscribed), final=False)
    (final,) = await rate(peer, charge(build, subscribed))
    assert shown.amount.amount_minor == 33_000
    assert preview.rating.amount == final.rating.amount == shown.amount
    assert preview.rating.explanation == final.rating.explanation == shown.explanation
    assert (preview.rating.rating_id, bool(final.rating.rating_id)) == ("", True)
    assert (final.rating.exact_amount.numerator, final.rating.exact_amount.denominator) == ("330", "1")
    counts = await admin.usage("GetUsageStatistics", usage_service_pb2.GetUsageStatisticsRequest())
    assert (counts.accepted, counts.stored, counts.rated) == (250, 250, 250)


async def test_a_frozen_rating_stands_whatever_arrives_later(admin, peer, subscribed, build, open_usage):
    await ingest(admin, build.event(1, value="20000"))
    item = charge(build, subscribed)
    (first,) = await rate(peer, item)
    await ingest(admin, build.event(2, value="20000"))
    again, preview, other = [
        (await rate(peer, each, final=final))[0]
        for each, final in ((item, True), (item, False), (charge(build, subscribed), False))
    ]
    assert first == again == preview
    assert (first.rating.quantity, other.rating.quantity) == ("20000", "40000")
    assert await open_usage() == {}


async def test_the_same_charge_at_once_is_frozen_once(admin, peer, subscribed, build):
    await ingest(admin, build.event(1, value="20000"))
    items = [charge(build, subscribed) for _ in range(50)]
    answers = await asyncio.gather(rate(peer, *items), rate(peer, *reversed(items)), rate(peer, *items, *items))
    by_id = {answer.charge_id: answer for answer in answers[0]}
    assert all(answer == by_id[answer.charge_id] for each in answers for answer in each)
    assert [len(each) for each in answers] == [50, 50, 100]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"subscription_version": 2}, "NOT_CAUGHT_UP"),
        ({"subscription_item_id": encode("si", uuid7())}, "NOT_CAUGHT_UP"),
        ({"price_id": encode("price", uuid7())}, "PRICE_NOT_FOUND"),
        ({"charge_id": "x"}, "INVALID_CHARGE"),
        ({"charge_id": ""}, "INVALID_CHARGE"),
        ({"subscription_item_id": "si_x"}, "INVALID_CHARGE"),
        ({"subscription_version": 0}, "INVALID_CHARGE"),
        ({"period": None}, "INVALID_CHARGE"),
    ],
)
async def test_a_bad_charge_leaves_its_neighbours(admin, peer, subscribed, build, changes, reason):
    bad = charge(build, subscribed, **changes)
    first, refused, last = await rate(peer, charge(build, subscribed), bad, charge(build, subscribed))
    assert refused.error.reason == reason
    assert refused.charge_id == bad.charge_id
    assert (first.rating.quantity, last.rating.quantity) == ("0", "0")


async def test_what_is_not_metered_or_measured_by_no_meter(peer, build, hear, subscribed):
    unknown = build.subscribed(meters=("unknown",))
    await hear(events_pb2.SubscriptionStarted(subscription=unknown.facts()))
    backwards = charge(build, subscribed)
    backwards.period.end.seconds = backwards.period.start.seconds
    answers = await rate(peer, charge(build, subscribed, ""), charge(build, unknown, "unknown"), backwards)
    assert [answer.error.reason for answer in answers] == [
        "SUBSCRIPTION_ITEM_NOT_FOUND",
        "UNKNOWN_METER",
        "INVALID_CHARGE",
    ]


async def test_a_charge_id_is_for_one_item_and_period(peer, subscribed, build):
    item = charge(build, subscribed)
    await rate(peer, item)
    other = charge(build, subscribed, "calls", charge_id=item.charge_id)
    answers = await rate(peer, other, item)
    assert [answer.error.reason for answer in answers] == ["CHARGE_ID_REUSED", ""]


async def test_thousands_in_request_order(admin, peer, subscribed, build):
    items = [charge(build, subscribed) for _ in range(1201)]
    answers = await rate(peer, *items)
    assert [answer.charge_id for answer in answers] == [item.charge_id for item in items]


async def test_amounts_that_overflow_are_refused_alone(admin, peer, build, hear, meters):
    dear = build.subscribed(meters=("api", "calls"), price=build.per_unit("9" * 18))
    await hear(events_pb2.SubscriptionStarted(subscription=dear.facts()))
    await ingest(admin, build.event(1, value="9" * 20))
    answers = await rate(peer, charge(build, dear), charge(build, dear, "calls"))
    assert [answer.error.reason for answer in answers] == ["AMOUNT_OVERFLOW", ""]


async def test_the_current_period_is_the_default(admin, subscribed):
    found = await usage(admin, subscribed)
    now = datetime.now(UTC)
    assert found.period.start.ToDatetime(tzinfo=UTC) <= now < found.period.end.ToDatetime(tzinfo=UTC)
    assert [item.quantity for item in found.items] == ["0", "0", "0"]


async def test_a_customer_reads_its_own_usage_alone(admin, client_of, tenant_id, subscribed, build, refused):
    await ingest(admin, build.event(1, value="2"))
    span = {"start_time": build.stamp(build.january), "end_time": build.stamp(FEBRUARY)}
    mine = client_of(tenant_id, "customer", subscribed.customer_id)
    assert (await usage(mine, subscribed, **span)).items[0].quantity == "2"
    for stranger in (client_of(tenant_id, "customer", uuid7()), client_of(uuid7())):
        refusal = await refused(usage(stranger, subscribed, **span))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "SUBSCRIPTION_NOT_FOUND")


async def test_bad_spans_and_ids(admin, subscribed, build, refused):
    backwards = {"start_time": build.stamp(MARCH), "end_time": build.stamp(FEBRUARY)}
    refusal = await refused(usage(admin, subscribed, **backwards))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_PERIOD")
    odd = build.stamp(MARCH)
    odd.seconds = 10**15
    assert (await refused(usage(admin, subscribed, start_time=odd))).reason == "INVALID_TIME"
    request = usage_service_pb2.GetUsageRequest(subscription_id="sub_x")
    assert (await refused(admin.usage("GetUsage", request))).reason == "VALIDATION_FAILED"


async def test_only_services_rate(admin, build, subscribed, refused):
    refusal = await refused(rate(admin, charge(build, subscribed)))
    assert refusal.code == grpc.StatusCode.PERMISSION_DENIED


async def test_empty_and_oversize_batches(peer, build, subscribed, refused):
    item = charge(build, subscribed)
    for items in ([], [item] * 5001):
        assert (await refused(rate(peer, *items))).reason == "VALIDATION_FAILED"


@pytest.fixture
def open_usage(usage_database, tenant_id):
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
