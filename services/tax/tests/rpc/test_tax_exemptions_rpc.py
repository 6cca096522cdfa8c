"""Exemptions over gRPC, on PostgreSQL."""

import grpc
import pytest
from billing.tax.v1 import exemptions_service_pb2 as pb
from billing_kernel.ids import encode, uuid7


@pytest.fixture
def wanted(build):
    def request(**changes):
        fields = {
            "customer_id": encode("cus", uuid7()),
            "country_code": "CA",
            "region": "QC",
            "certificate_number": "C-17",
            "start_time": build.stamp("2026-01-01T00:00:00Z"),
        }
        return pb.CreateExemptionRequest(**(fields | changes))

    return request


async def create(client, request, key=None):
    return (await client.exemptions("CreateExemption", request, key)).exemption


async def test_create_list_end(admin, viewer, wanted, build):
    made = await create(admin, wanted(), "key")
    await create(admin, wanted())
    request = pb.ListExemptionsRequest(customer_id=made.customer_id)
    assert list((await viewer.exemptions("ListExemptions", request)).exemptions) == [made]
    assert len((await viewer.exemptions("ListExemptions", pb.ListExemptionsRequest())).exemptions) == 2
    end = pb.EndExemptionRequest(
        exemption_id=made.exemption_id, end_time=build.stamp("2026-02-01T00:00:00Z"), etag=made.etag
    )
    ended = (await admin.exemptions("EndExemption", end)).exemption
    assert (ended.end_time, ended.etag) == (build.stamp("2026-02-01T00:00:00Z"), "2")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"country_code": "QQ"}, "UNKNOWN_PLACE"),
        ({"region": "ZZ"}, "UNKNOWN_PLACE"),
        ({"country_code": "DE", "region": "BY"}, "UNKNOWN_PLACE"),
        ({"certificate_number": ""}, "VALIDATION_FAILED"),
        ({"certificate_number": "a\x00"}, "VALIDATION_FAILED"),
        ({"customer_id": "sel_01jx0000000000000000000000"}, "VALIDATION_FAILED"),
    ],
)
async def test_refused(admin, wanted, refused, changes, reason):
    refusal = await refused(create(admin, wanted(**changes)))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, reason)


async def test_end_before_start_is_refused(admin, wanted, build, refused):
    early = build.stamp("2025-01-01T00:00:00Z")
    assert (await refused(create(admin, wanted(end_time=early)))).reason == "INVALID_PERIOD"


async def test_ending_is_refused(admin, wanted, build, refused):
    made = await create(admin, wanted())

    def end(at="2026-07-01T00:00:00Z", etag="", exemption_id=made.exemption_id):
        request = pb.EndExemptionRequest(exemption_id=exemption_id, end_time=build.stamp(at), etag=etag)
        return admin.exemptions("EndExemption", request)

    assert (await refused(end(exemption_id=encode("exm", uuid7())))).reason == "EXEMPTION_NOT_FOUND"
    assert (await refused(end(etag="5"))).reason == "ETAG_MISMATCH"
    assert (await refused(end(at="2025-07-01T00:00:00Z"))).reason == "INVALID_PERIOD"
    await end()
    assert (await refused(end())).reason == "EXEMPTION_ENDED"
