"""IngestCloudEvents and the clock through the real server."""

import json
from datetime import UTC, datetime, timedelta

import grpc
import pytest
from billing.common.v1 import clock_service_pb2
from billing.usage.v1 import meter_pb2, meters_service_pb2, usage_event_pb2, usage_service_pb2
from google.api.httpbody_pb2 import HttpBody

BATCH = "application/cloudevents-batch+json"


@pytest.fixture
async def meter(admin):
    aggregation = meter_pb2.METER_AGGREGATION_SUM
    await admin.meters(
        "CreateMeter", meters_service_pb2.CreateMeterRequest(code="api", name="API", aggregation=aggregation)
    )


def cloud_event(number=1, **changes):
    event = {
        "specversion": "1.0",
        "id": f"event-{number}",
        "source": "test",
        "type": "api",
        "subject": "customer/acme",
        "time": "2026-01-01T00:00:00Z",
        "data": {"value": 1},
    }
    return event | changes


async def send(client, content, kind=BATCH):
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    body = HttpBody(content_type=kind, data=data)
    return await client.usage("IngestCloudEvents", usage_service_pb2.IngestCloudEventsRequest(payload=body))


async def test_both_ways_in_are_one(admin, meter, build):
    first = await send(admin, [cloud_event(1), cloud_event(2, data={"value": 2.50, "region": "eu"})])
    assert (first.accepted, first.rejected) == (2, 0)
    plain = [build.event(1, value="1"), build.event(2, value="2.5", properties={"region": "eu"}), build.event(3)]
    second = await admin.usage("IngestEvents", usage_service_pb2.IngestEventsRequest(events=plain))
    assert (second.accepted, second.duplicates) == (1, 2)


async def test_a_result_per_event(admin, meter):
    events = [
        cloud_event(1),
        cloud_event(2, type="other"),
        cloud_event(3, specversion="0.3"),
        cloud_event(1),
        cloud_event(1, data={"value": 2}),
        cloud_event(4, data={"value": "1e3"}),
        cloud_event(5, type="\x00"),
    ]
    response = await send(admin, events)
    assert [result.error.reason for result in response.results] == [
        "",
        "UNKNOWN_METER",
        "INVALID_CLOUD_EVENT",
        "",
        "EVENT_CONFLICT",
        "INVALID_VALUE",
        "UNKNOWN_METER",
    ]
    assert response.results[4].outcome == usage_event_pb2.EVENT_OUTCOME_CONFLICT
    assert (response.accepted, response.duplicates, response.rejected) == (1, 1, 5)


@pytest.mark.parametrize(
    ("content", "kind", "reason"),
    [
        ([cloud_event()], "application/json", "UNSUPPORTED_CONTENT_TYPE"),
        ([], BATCH, "INVALID_CLOUD_EVENTS"),
        ([{}] * 1001, BATCH, "INVALID_CLOUD_EVENTS"),
        (b'[{"a": NaN}]', BATCH, "INVALID_CLOUD_EVENTS"),
        (b'[{"a": 1, "a": 1}]', BATCH, "INVALID_CLOUD_EVENTS"),
        (b"\xff\xff", BATCH, "INVALID_CLOUD_EVENTS"),
        (b"", BATCH, "INVALID_CLOUD_EVENTS"),
    ],
)
async def test_bodies_that_are_refused_store_nothing(admin, meter, refused, content, kind, reason):
    refusal = await refused(send(admin, content, kind))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, reason)
    counts = await admin.usage("GetUsageStatistics", usage_service_pb2.GetUsageStatisticsRequest())
    assert counts.stored == 0


async def test_a_missing_body(admin, refused):
    request = usage_service_pb2.IngestCloudEventsRequest()
    assert (await refused(admin.usage("IngestCloudEvents", request))).reason == "VALIDATION_FAILED"


async def test_too_far_ahead_is_measured_by_the_tenants_clock(admin, peer, meter, build, refused):
    later = datetime.now(UTC) + timedelta(days=90)
    events = usage_service_pb2.IngestEventsRequest(events=[build.event(1, at=later)])
    early = await admin.usage("IngestEvents", events)
    assert early.results[0].error.reason == "TIME_TOO_FAR_AHEAD"
    await peer.clock("SetClock", clock_service_pb2.SetClockRequest(now=build.stamp(later), create=True))
    assert (await admin.usage("IngestEvents", events)).accepted == 1
    found = await peer.clock("GetClock", clock_service_pb2.GetClockRequest())
    assert (found.now.seconds, found.HasField("next_due_time"), found.outbox_pending) == (
        int(later.timestamp()),
        False,
        1,
    )


async def test_a_tenant_with_events_is_given_no_clock(admin, peer, meter, build, refused):
    await admin.usage("IngestEvents", usage_service_pb2.IngestEventsRequest(events=[build.event(1)]))
    request = clock_service_pb2.SetClockRequest(now=build.stamp(build.january), create=True)
    assert (await refused(peer.clock("SetClock", request))).reason == "TENANT_NOT_EMPTY"
