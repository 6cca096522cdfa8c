"""IngestEvents through the real server: a result per event, each identity once, bad ones alone refused."""

from datetime import UTC, datetime, timedelta

import grpc
import pytest
from billing.usage.v1 import meters_service_pb2, usage_event_pb2, usage_service_pb2
from billing.usage.v1.meter_pb2 import METER_AGGREGATION_SUM
from billing_kernel.ids import uuid7

ACCEPTED = usage_event_pb2.EVENT_OUTCOME_ACCEPTED
DUPLICATE = usage_event_pb2.EVENT_OUTCOME_DUPLICATE
REJECTED = usage_event_pb2.EVENT_OUTCOME_REJECTED
CONFLICT = usage_event_pb2.EVENT_OUTCOME_CONFLICT


@pytest.fixture
async def meter(admin):
    request = meters_service_pb2.CreateMeterRequest(code="api", name="API calls", aggregation=METER_AGGREGATION_SUM)
    return (await admin.meters("CreateMeter", request)).meter


async def ingest(client, *events):
    return await client.usage("IngestEvents", usage_service_pb2.IngestEventsRequest(events=events))


def outcomes(response):
    return [result.outcome for result in response.results]


async def statistics(client):
    found = await client.usage("GetUsageStatistics", usage_service_pb2.GetUsageStatisticsRequest())
    return found.accepted, found.stored, found.duplicates


async def test_a_batch_is_stored_once_however_often_it_comes(admin, meter, build):
    events = [build.event(number) for number in range(1000)]
    first = await ingest(admin, *events)
    assert (first.accepted, first.duplicates, first.rejected) == (1000, 0, 0)
    assert set(outcomes(first)) == {ACCEPTED}
    again = await ingest(admin, *events)
    assert (again.accepted, again.duplicates, again.rejected) == (0, 1000, 0)
    assert await statistics(admin) == (1000, 1000, 1000)


async def test_duplicates_inside_a_batch_and_other_content(admin, meter, build):
    one, same, other = build.event(1), build.event(1), build.event(1, value="2")
    response = await ingest(admin, one, same, other, build.event(2))
    assert outcomes(response) == [ACCEPTED, DUPLICATE, CONFLICT, ACCEPTED]
    assert response.results[2].error.reason == "EVENT_CONFLICT"
    assert outcomes(await ingest(admin, other, one)) == [CONFLICT, DUPLICATE]
    assert await statistics(admin) == (2, 2, 2)


async def test_the_same_content_written_otherwise_is_a_duplicate(admin, meter, build):
    await ingest(admin, build.event(1, value="1.50", properties={"b": "2", "a": "1"}))
    response = await ingest(admin, build.event(1, value="1.5", properties={"a": "1", "b": "2"}))
    assert outcomes(response) == [DUPLICATE]


BAD = {
    "no id": ({"id": ""}, "INVALID_EVENT_ID"),
    "long id": ({"id": "x" * 129}, "INVALID_EVENT_ID"),
    "NUL in the id": ({"id": "a\x00b"}, "INVALID_EVENT_ID"),
    "control in the source": ({"source": "a\x1fb"}, "INVALID_SOURCE"),
    "long source": ({"source": "x" * 257}, "INVALID_SOURCE"),
    "unknown meter": ({"meter_code": "nothing"}, "UNKNOWN_METER"),
    "NUL in the meter": ({"meter_code": "a\x00"}, "UNKNOWN_METER"),
    "no subscription id": ({"subscription_id": "sub_x"}, "INVALID_SUBJECT"),
    "a customer as subscription": ({"subscription_id": "cus_01h455vb4pex5vsknk084sn02q"}, "INVALID_SUBJECT"),
    "empty external id": ({"external_customer_id": ""}, "INVALID_SUBJECT"),
    "NUL in the external id": ({"external_customer_id": "a\x00"}, "INVALID_SUBJECT"),
    "exponent": ({"value": "1e3"}, "INVALID_VALUE"),
    "plus": ({"value": "+1"}, "INVALID_VALUE"),
    "not a number": ({"value": "NaN"}, "INVALID_VALUE"),
    "too many digits": ({"value": "1" * 21}, "INVALID_VALUE"),
    "too many places": ({"value": "0." + "1" * 19}, "INVALID_VALUE"),
    "other digits": ({"value": "١"}, "INVALID_VALUE"),
    "odd property": ({"properties": {"a b": "1"}}, "INVALID_PROPERTIES"),
    "NUL in a property": ({"properties": {"a": "\x00"}}, "INVALID_PROPERTIES"),
    "long property": ({"properties": {"a": "x" * 501}}, "INVALID_PROPERTIES"),
    "no time": ({"time": None}, "INVALID_TIME"),
    "tomorrow": ({"time": datetime.now(UTC) + timedelta(days=1)}, "TIME_TOO_FAR_AHEAD"),
    "long ago": ({"time": datetime(1990, 1, 1, tzinfo=UTC)}, "TIME_TOO_OLD"),
}


@pytest.mark.parametrize(("changes", "reason"), BAD.values(), ids=BAD)
async def test_a_bad_event_never_refuses_its_neighbours(admin, meter, build, changes, reason):
    changes = {name: build.stamp(it) if isinstance(it, datetime) else it for name, it in changes.items()}
    response = await ingest(admin, build.event(1), build.event(2, **changes), build.event(3))
    assert outcomes(response) == [ACCEPTED, REJECTED, ACCEPTED]
    assert response.results[1].error.reason == reason
    assert await statistics(admin) == (2, 2, 0)


async def test_an_event_without_subject_and_one_with_broken_nanoseconds(admin, meter, build):
    bare = build.event(1)
    bare.ClearField("subject")
    broken = build.event(2)
    broken.time.nanos = -1
    response = await ingest(admin, bare, broken)
    assert [result.error.reason for result in response.results] == ["INVALID_SUBJECT", "INVALID_TIME"]


async def test_an_empty_batch_and_one_that_is_too_large_are_refused(admin, meter, build, refused):
    for events in ([], [build.event(number) for number in range(1001)]):
        refusal = await refused(ingest(admin, *events))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "VALIDATION_FAILED")
    assert await statistics(admin) == (0, 0, 0)


async def test_tenants_do_not_meet(admin, meter, build, client_of):
    await ingest(admin, build.event(1))
    other = client_of(uuid7())
    response = await ingest(other, build.event(1))
    assert response.results[0].error.reason == "UNKNOWN_METER"
    assert await statistics(other) == (0, 0, 0)


async def test_only_those_who_may_write_ingest(viewer, client_of, tenant_id, build, refused):
    for client in (viewer, client_of(tenant_id, "customer", uuid7())):
        refusal = await refused(ingest(client, build.event(1)))
        assert refusal.code == grpc.StatusCode.PERMISSION_DENIED


async def test_one_event_is_answered_as_it_was_sent(admin, meter, build, refused):
    sent = build.event(1, value="1.50", properties={"region": "eu"})
    await ingest(admin, sent)
    request = usage_service_pb2.GetUsageEventRequest(id=sent.id, source=sent.source)
    found = await admin.usage("GetUsageEvent", request)
    sent.value = "1.5"
    assert found.event == sent
    assert found.ingest_time.seconds > 0
    request.source = "elsewhere"
    refusal = await refused(admin.usage("GetUsageEvent", request))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "EVENT_NOT_FOUND")


@pytest.mark.parametrize("field", ["subscription_id", "customer_id"])
async def test_subjects_come_back_as_they_were(admin, meter, build, field):
    sent = build.event(1, **{field: f"{field[:3]}_01h455vb4pex5vsknk084sn02q"})
    await ingest(admin, sent)
    request = usage_service_pb2.GetUsageEventRequest(id=sent.id, source=sent.source)
    found = await admin.usage("GetUsageEvent", request)
    assert getattr(found.event, field) == getattr(sent, field)
