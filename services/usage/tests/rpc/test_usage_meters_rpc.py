"""MetersService through the real server."""

import grpc
import pytest
from billing.usage.v1 import events_pb2, meter_pb2
from billing.usage.v1 import meters_service_pb2 as pb
from billing_kernel.ids import encode, uuid7
from billing_testkit.tenants import admin_call
from google.protobuf.field_mask_pb2 import FieldMask

SUM = meter_pb2.METER_AGGREGATION_SUM
UNKNOWN = encode("mtr", uuid7())


def a_meter(code="api", **changes):
    return pb.CreateMeterRequest(**({"code": code, "name": "API calls", "unit": "calls", "aggregation": SUM} | changes))


async def create(client, *args, key=None, **changes):
    return (await client.meters("CreateMeter", a_meter(*args, **changes), key)).meter


async def published(database, tenant_id):
    async with database.read(admin_call(tenant_id)) as tx:
        rows = await tx.raw.execute("SELECT topic, key, type, subject, sequence, payload FROM outbox ORDER BY id")
        return await rows.fetchall()


async def test_create_get_list_update(admin, viewer, usage_database, tenant_id):
    made = await create(admin, metadata={"team": "edge"})
    assert (made.code, made.unit, made.aggregation, made.etag) == ("api", "calls", SUM, "1")
    assert (await viewer.meters("GetMeter", pb.GetMeterRequest(meter_id=made.meter_id))).meter == made
    change = pb.UpdateMeterRequest(meter_id=made.meter_id, name="Calls", unit="x", etag="1")
    change.update_mask.paths.append("name")
    changed = (await admin.meters("UpdateMeter", change)).meter
    assert (changed.name, changed.unit, changed.etag) == ("Calls", "calls", "2")
    assert dict(changed.metadata) == {"team": "edge"}
    first, second = await published(usage_database, tenant_id)
    assert first[:5] == ("billing.usage.v1", made.meter_id, "billing.usage.v1.MeterCreated", made.meter_id, 1)
    assert second[2:5] == ("billing.usage.v1.MeterUpdated", made.meter_id, 2)
    told = events_pb2.MeterUpdated.FromString(second[5]).meter
    assert (told.name, told.etag, told.HasField("update_time")) == ("Calls", "", False)


async def test_a_key_gives_the_first_answer_again(admin, usage_database, tenant_id, refused):
    first = await create(admin, key="once")
    assert await create(admin, key="once") == first
    refusal = await refused(create(admin, "other", key="once"))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.ALREADY_EXISTS, "IDEMPOTENCY_KEY_REUSED")
    assert len(await published(usage_database, tenant_id)) == 1


async def test_a_code_is_taken_once_a_tenant(admin, client_of, refused):
    await create(admin)
    refusal = await refused(create(admin))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.ALREADY_EXISTS, "METER_CODE_TAKEN")
    assert (await create(client_of(uuid7()))).code == "api"


async def test_pages_in_order_of_creation(admin):
    made = [await create(admin, f"meter-{number}") for number in range(5)]
    found, token, pages = [], "", 0
    while pages == 0 or token:
        page = await admin.meters("ListMeters", pb.ListMetersRequest(page_size=2, page_token=token))
        found, token, pages = [*found, *page.meters], page.next_page_token, pages + 1
    assert (found, pages) == (made, 3)
    only = await admin.meters("ListMeters", pb.ListMetersRequest(code="meter-3"))
    assert list(only.meters) == [made[3]]


async def test_read_masks(admin, refused):
    made = await create(admin)
    masked = FieldMask(paths=["code"])
    one = await admin.meters("GetMeter", pb.GetMeterRequest(meter_id=made.meter_id, read_mask=masked))
    assert one.meter == meter_pb2.Meter(code="api")
    many = await admin.meters("ListMeters", pb.ListMetersRequest(read_mask=masked))
    assert list(many.meters) == [meter_pb2.Meter(code="api")]
    wrong = pb.GetMeterRequest(meter_id=made.meter_id, read_mask=FieldMask(paths=["price"]))
    assert (await refused(admin.meters("GetMeter", wrong))).reason == "INVALID_READ_MASK"


async def test_batches_answer_in_order(admin, peer, refused):
    made = await create(admin)
    answers = (await peer.meters("BatchGetMeters", pb.BatchGetMetersRequest(codes=["none", "api", "api"]))).meters
    assert [answer.error.reason for answer in answers] == ["METER_NOT_FOUND", "", ""]
    assert [answer.meter for answer in answers][1:] == [made, made]
    refusal = await refused(admin.meters("BatchGetMeters", pb.BatchGetMetersRequest(codes=["api"])))
    assert refusal.code == grpc.StatusCode.PERMISSION_DENIED


INVALID = grpc.StatusCode.INVALID_ARGUMENT
BAD = {
    "empty code": ("CreateMeter", a_meter(""), INVALID, "VALIDATION_FAILED"),
    "code with capitals": ("CreateMeter", a_meter("API"), INVALID, "VALIDATION_FAILED"),
    "NUL in the name": ("CreateMeter", a_meter(name="a\x00"), INVALID, "VALIDATION_FAILED"),
    "no name": ("CreateMeter", a_meter(name=""), INVALID, "VALIDATION_FAILED"),
    "no aggregation": ("CreateMeter", a_meter(aggregation=0), INVALID, "VALIDATION_FAILED"),
    "unknown aggregation": ("CreateMeter", a_meter(aggregation=99), INVALID, "VALIDATION_FAILED"),
    "long label": ("CreateMeter", a_meter(metadata={"a": "x" * 501}), INVALID, "VALIDATION_FAILED"),
    "odd id": ("GetMeter", pb.GetMeterRequest(meter_id="x"), INVALID, "VALIDATION_FAILED"),
    "other id": ("GetMeter", pb.GetMeterRequest(meter_id=UNKNOWN), grpc.StatusCode.NOT_FOUND, "METER_NOT_FOUND"),
    "huge page": ("ListMeters", pb.ListMetersRequest(page_size=10**9), INVALID, "VALIDATION_FAILED"),
    "forged token": ("ListMeters", pb.ListMetersRequest(page_token="x"), INVALID, "INVALID_PAGE_TOKEN"),
    "no codes": ("BatchGetMeters", pb.BatchGetMetersRequest(), grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED"),
    "no mask": ("UpdateMeter", pb.UpdateMeterRequest(meter_id=UNKNOWN), INVALID, "VALIDATION_FAILED"),
}


@pytest.mark.parametrize(("method", "request_", "code", "reason"), BAD.values(), ids=BAD)
async def test_bad_input(admin, refused, method, request_, code, reason):
    refusal = await refused(admin.meters(method, request_))
    assert (refusal.code, refusal.reason) == (code, reason)


@pytest.mark.parametrize(
    ("paths", "changes", "code", "reason"),
    [
        (["name"], {"name": "x", "etag": "7"}, grpc.StatusCode.ABORTED, "ETAG_MISMATCH"),
        (["name"], {"name": ""}, INVALID, "INVALID_METER"),
        (["code"], {}, INVALID, "INVALID_UPDATE_MASK"),
        ([], {}, INVALID, "INVALID_UPDATE_MASK"),
    ],
)
async def test_updates_that_are_refused_change_nothing(admin, refused, paths, changes, code, reason):
    made = await create(admin)
    request = pb.UpdateMeterRequest(meter_id=made.meter_id, update_mask=FieldMask(paths=paths), **changes)
    refusal = await refused(admin.meters("UpdateMeter", request))
    assert (refusal.code, refusal.reason) == (code, reason)
    assert (await admin.meters("GetMeter", pb.GetMeterRequest(meter_id=made.meter_id))).meter == made


async def test_other_tenants_and_other_roles(admin, viewer, client_of, tenant_id, refused):
    made = await create(admin)
    get = pb.GetMeterRequest(meter_id=made.meter_id)
    stranger = client_of(uuid7())
    assert (await refused(stranger.meters("GetMeter", get))).reason == "METER_NOT_FOUND"
    change = pb.UpdateMeterRequest(meter_id=made.meter_id, name="x", update_mask=FieldMask(paths=["name"]))
    assert (await refused(stranger.meters("UpdateMeter", change))).reason == "METER_NOT_FOUND"
    assert (await refused(viewer.meters("CreateMeter", a_meter("b")))).reason == "PERMISSION_DENIED"
    customer = client_of(tenant_id, "customer", uuid7())
    assert (await refused(customer.meters("GetMeter", get))).reason == "PERMISSION_DENIED"
