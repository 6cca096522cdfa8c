"""Registrations over gRPC, on PostgreSQL."""

import asyncio

import grpc
import pytest
from billing.tax.v1 import registration_pb2
from billing.tax.v1 import registrations_service_pb2 as pb
from billing_kernel.ids import encode, uuid7
from google.protobuf.field_mask_pb2 import FieldMask

DOMESTIC = registration_pb2.REGISTRATION_SCHEME_DOMESTIC
OSS = registration_pb2.REGISTRATION_SCHEME_EU_OSS


@pytest.fixture
def wanted(build, seller_id):
    """Makes a request to register the test's seller in Germany, or elsewhere."""

    def request(**changes):
        fields = {
            "seller_id": encode("sel", seller_id),
            "country_code": "DE",
            "scheme": DOMESTIC,
            "tax_number": "DE136695976",
            "start_time": build.stamp("2026-01-01T00:00:00Z"),
            "metadata": {"team": "tax"},
        }
        return pb.CreateRegistrationRequest(**(fields | changes))

    return request


async def create(client, request, key=None):
    return (await client.registrations("CreateRegistration", request, key)).registration


async def test_create_get_list_end(admin, viewer, wanted, build, seller_id):
    made = await create(admin, wanted())
    assert made.registration_id.startswith("reg_")
    assert (made.country_code, made.scheme, made.etag, dict(made.metadata)) == ("DE", DOMESTIC, "1", {"team": "tax"})
    got = await viewer.registrations("GetRegistration", pb.GetRegistrationRequest(registration_id=made.registration_id))
    assert got.registration == made
    listed = await viewer.registrations(
        "ListRegistrations", pb.ListRegistrationsRequest(seller_id=encode("sel", seller_id))
    )
    assert list(listed.registrations) == [made]
    end = pb.EndRegistrationRequest(
        registration_id=made.registration_id, end_time=build.stamp("2026-07-01T00:00:00Z"), etag="1"
    )
    ended = (await admin.registrations("EndRegistration", end)).registration
    assert (ended.end_time, ended.etag) == (build.stamp("2026-07-01T00:00:00Z"), "2")


async def test_a_key_gives_the_first_answer_again(admin, wanted, refused):
    first = await create(admin, wanted(), "key-1")
    assert await create(admin, wanted(), "key-1") == first
    other = await refused(create(admin, wanted(country_code="FR", tax_number=""), "key-1"))
    assert (other.code, other.reason) == (grpc.StatusCode.ALREADY_EXISTS, "IDEMPOTENCY_KEY_REUSED")


async def test_one_at_a_time(admin, wanted, build, refused):
    made = await create(admin, wanted())
    overlap = await refused(create(admin, wanted(start_time=build.stamp("2030-01-01T00:00:00Z"))))
    assert (overlap.code, overlap.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REGISTRATION_OVERLAPS")
    await create(admin, wanted(scheme=OSS))
    end = pb.EndRegistrationRequest(registration_id=made.registration_id, end_time=build.stamp("2026-07-01T00:00:00Z"))
    await admin.registrations("EndRegistration", end)
    assert (await refused(create(admin, wanted(start_time=build.stamp("2026-06-30T23:59:59Z"))))).reason == (
        "REGISTRATION_OVERLAPS"
    )
    await create(admin, wanted(start_time=build.stamp("2026-07-01T00:00:00Z")))


async def test_a_race_has_one_winner(admin, wanted):
    made = await asyncio.gather(*(create(admin, wanted()) for _ in range(6)), return_exceptions=True)
    lost = [outcome for outcome in made if isinstance(outcome, grpc.aio.AioRpcError)]
    assert len(lost) == 5
    assert {error.code() for error in lost} == {grpc.StatusCode.ALREADY_EXISTS}


@pytest.mark.parametrize(
    ("changes", "reason", "field"),
    [
        ({"country_code": "ZZ"}, "UNKNOWN_PLACE", "country_code"),
        ({"country_code": "TH", "tax_number": ""}, "UNKNOWN_PLACE", "country_code"),
        ({"country_code": "US", "tax_number": ""}, "UNKNOWN_PLACE", "country_code"),
        ({"country_code": "US", "region": "ZZ", "tax_number": ""}, "UNKNOWN_PLACE", "region"),
        ({"country_code": "US", "scheme": OSS}, "UNKNOWN_PLACE", "country_code"),
        ({"tax_number": "DE123456789"}, "INVALID_TAX_NUMBER", "tax_number"),
        ({"tax_number": "DE\x00123"}, "VALIDATION_FAILED", "tax_number"),
        ({"scheme": 0}, "VALIDATION_FAILED", "scheme"),
        ({"scheme": 77}, "VALIDATION_FAILED", "scheme"),
        ({"seller_id": "sel_1"}, "VALIDATION_FAILED", "seller_id"),
        ({"start_time": None}, "VALIDATION_FAILED", "start_time"),
    ],
)
async def test_refused(admin, wanted, refused, changes, reason, field):
    refusal = await refused(create(admin, wanted(**changes)))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, reason)
    assert field in refusal.fields


async def test_time_beyond_all_calendars(admin, wanted, build, refused):
    far = build.stamp("9999-12-31T00:00:00Z")
    assert (await refused(create(admin, wanted(start_time=far)))).code is grpc.StatusCode.INVALID_ARGUMENT


async def test_ending_is_refused(admin, wanted, build, refused):
    made = await create(admin, wanted())

    def end(at="2026-07-01T00:00:00Z", etag="", registration_id=made.registration_id):
        request = pb.EndRegistrationRequest(registration_id=registration_id, end_time=build.stamp(at), etag=etag)
        return admin.registrations("EndRegistration", request)

    assert (await refused(end(registration_id=encode("reg", uuid7())))).reason == "REGISTRATION_NOT_FOUND"
    stale = await refused(end(etag="9"))
    assert (stale.code, stale.reason) == (grpc.StatusCode.ABORTED, "ETAG_MISMATCH")
    assert (await refused(end(at="2026-01-01T00:00:00Z"))).reason == "INVALID_PERIOD"
    await end()
    again = await refused(end())
    assert (again.code, again.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "REGISTRATION_ENDED")


async def test_pages(admin, viewer, wanted, refused, seller_id):
    codes = ["AT", "BE", "BG", "FR", "IT"]
    made = [await create(admin, wanted(country_code=code, tax_number="")) for code in codes]

    def page(token="", size=2):
        request = pb.ListRegistrationsRequest(
            page_size=size, page_token=token, read_mask=FieldMask(paths=["registration_id", "country_code"])
        )
        return viewer.registrations("ListRegistrations", request)

    first = await page()
    second = await page(first.next_page_token)
    last = await page(second.next_page_token)
    seen = [*first.registrations, *second.registrations, *last.registrations]
    assert [each.registration_id for each in seen] == [each.registration_id for each in made]
    assert (last.next_page_token, seen[0].seller_id, seen[0].country_code) == ("", "", "AT")
    assert (await refused(page("x"))).reason == "INVALID_PAGE_TOKEN"
    assert (await refused(page(size=10**9))).reason == "VALIDATION_FAILED"


async def test_viewers_and_customers_may_not_write(viewer, client_of, tenant_id, wanted, refused):
    assert (await refused(create(viewer, wanted()))).code is grpc.StatusCode.PERMISSION_DENIED
    customer = client_of(tenant_id, "customer", uuid7())
    assert (await refused(create(customer, wanted()))).code is grpc.StatusCode.PERMISSION_DENIED


async def test_another_tenant_sees_nothing(admin, client_of, wanted, build, refused):
    made = await create(admin, wanted())
    stranger = client_of(uuid7())
    get = stranger.registrations("GetRegistration", pb.GetRegistrationRequest(registration_id=made.registration_id))
    assert (await refused(get)).reason == "REGISTRATION_NOT_FOUND"
    end = pb.EndRegistrationRequest(registration_id=made.registration_id, end_time=build.stamp("2026-07-01T00:00:00Z"))
    assert (await refused(stranger.registrations("EndRegistration", end))).reason == "REGISTRATION_NOT_FOUND"
    assert not (await stranger.registrations("ListRegistrations", pb.ListRegistrationsRequest())).registrations
