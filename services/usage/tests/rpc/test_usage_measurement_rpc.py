"""BatchMeasureUsage through the real server: quantities without prices, each event once, unknown never zero."""

from datetime import UTC, datetime

import pytest
from billing.subscriptions.v1 import events_pb2
from billing.usage.v1 import (
    measurement_service_pb2,
    measurement_service_pb2_grpc,
    meter_pb2,
    meters_service_pb2,
    usage_service_pb2,
)
from billing_kernel.ids import encode, uuid7

FEBRUARY = datetime(2026, 2, 1, tzinfo=UTC)
METERS = {
    "api": meter_pb2.METER_AGGREGATION_SUM,
    "calls": meter_pb2.METER_AGGREGATION_COUNT,
    "peak": meter_pb2.METER_AGGREGATION_MAX,
    "limits": meter_pb2.METER_AGGREGATION_SUM,
}


@pytest.fixture
async def subscribed(build, hear, admin):
    """A subscription whose items know nothing of the meter `limits`."""
    for code, aggregation in METERS.items():
        request = meters_service_pb2.CreateMeterRequest(code=code, name=code, aggregation=aggregation)
        await admin.meters("CreateMeter", request)
    made = build.subscribed(meters=("api", "calls", "peak"))
    await hear(events_pb2.SubscriptionStarted(subscription=made.facts()))
    return made


async def ingest(client, *events):
    response = await client.usage("IngestEvents", usage_service_pb2.IngestEventsRequest(events=events))
    assert response.accepted == len(events)


def measurement(build, *subscriptions, meter="api", **changes):
    fields = {"subscription_ids": subscriptions, "meter_code": meter, "period": build.period()}
    return measurement_service_pb2.Measurement(**(fields | changes))


async def measure(client, *measurements):
    stub = measurement_service_pb2_grpc.MeasurementServiceStub(client.channel)
    request = measurement_service_pb2.BatchMeasureUsageRequest(measurements=measurements)
    metadata = [("authorization", f"Bearer {client.token}")]
    return (await stub.BatchMeasureUsage(request, metadata=metadata, timeout=10)).answers


async def test_each_aggregation_within_the_period_alone(admin, peer, subscribed, build):
    await ingest(
        admin,
        build.event(1, value="60.5"),
        build.event(2, value="30", subscription_id=subscribed.text),
        build.event(3, value="9", customer_id=subscribed.customer),
        build.event(4, value="99", at=FEBRUARY),
        build.event(5, value="99", external_customer_id="other"),
        build.event(6, meter_code="calls", value="7"),
        build.event(7, meter_code="peak", value="-3"),
        build.event(8, meter_code="peak", value="-8"),
        build.event(9, meter_code="limits", value="5"),
    )
    found = await measure(peer, *(measurement(build, subscribed.text, meter=meter) for meter in METERS))
    assert [(each.usage.quantity, each.usage.event_count) for each in found] == [
        ("99.5", 3),
        ("1", 1),
        ("-3", 2),
        ("5", 1),
    ]
    assert [each.usage.aggregation for each in found] == list(METERS.values())


async def test_an_event_of_the_customer_counts_once_for_several_subscriptions(admin, peer, subscribed, build, hear):
    other = build.subscribed(meters=("api",), customer_id=subscribed.customer_id)
    await hear(events_pb2.SubscriptionStarted(subscription=other.facts()))
    await ingest(
        admin,
        build.event(1, value="10", customer_id=subscribed.customer),
        build.event(2, value="1", subscription_id=subscribed.text),
        build.event(3, value="2", subscription_id=other.text),
    )
    (both, one) = await measure(
        peer, measurement(build, subscribed.text, other.text), measurement(build, subscribed.text)
    )
    assert (both.usage.quantity, one.usage.quantity) == ("13", "11")


async def test_what_is_unknown_is_refused_item_by_item(peer, subscribed, build):
    found = await measure(
        peer,
        measurement(build, subscribed.text, encode("sub", uuid7())),
        measurement(build, subscribed.text, meter="none"),
        measurement(build, subscribed.text),
    )
    assert [each.error.reason for each in found] == ["NOT_CAUGHT_UP", "UNKNOWN_METER", ""]
    assert (found[2].usage.quantity, found[2].usage.event_count) == ("0", 0)


async def test_a_period_that_is_none(peer, subscribed, build, refused):
    backwards = build.period(FEBRUARY, build.january)
    refusal = await refused(measure(peer, measurement(build, subscribed.text, period=backwards)))
    assert refusal.reason in ("INVALID_PERIOD", "VALIDATION_FAILED")


async def test_it_is_internal_and_keeps_tenants_apart(admin, subscribed, build, refused, usage_channel, keyring):
    assert (await refused(measure(admin, measurement(build, subscribed.text)))).reason == "PERMISSION_DENIED"
    stranger = type(admin)(usage_channel, keyring.peer(uuid7()))
    (found,) = await measure(stranger, measurement(build, subscribed.text))
    assert found.error.reason == "UNKNOWN_METER"
