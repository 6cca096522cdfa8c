"""Exemptions between protobuf and domain."""

from billing.tax.v1 import exemption_pb2 as pb
from billing.tax.v1 import exemptions_service_pb2 as rpc
from billing_kernel.ids import uuid7

from billing_tax.domain.exemption import Exemption
from billing_tax.domain.places import Place
from billing_tax.wire.values import CUSTOMER, EXEMPTION, id_from_pb, id_to_pb, instant_from_pb, instant_to_pb


def exemption_from_pb(request: rpc.CreateExemptionRequest) -> Exemption:
    """An exemption with a fresh id. Raises InvalidId, InvalidTime."""
    return Exemption(
        id=uuid7(),
        customer_id=id_from_pb(CUSTOMER, request.customer_id),
        place=Place(request.country_code, request.region),
        certificate_number=request.certificate_number,
        start=instant_from_pb(request.start_time, "start_time"),
        end=instant_from_pb(request.end_time, "end_time") if request.HasField("end_time") else None,
        metadata=dict(request.metadata),
    )


def exemption_to_pb(exemption: Exemption) -> pb.Exemption:
    """All fields."""
    message = exemption_facts_to_pb(exemption)
    message.MergeFrom(pb.Exemption(etag=str(exemption.version), create_time=instant_to_pb(exemption.created_at)))
    return message


def exemption_facts_to_pb(exemption: Exemption) -> pb.Exemption:
    """What events tell: without etag and times of record."""
    return pb.Exemption(
        exemption_id=id_to_pb(EXEMPTION, exemption.id),
        customer_id=id_to_pb(CUSTOMER, exemption.customer_id),
        country_code=exemption.place.country,
        region=exemption.place.region,
        certificate_number=exemption.certificate_number,
        start_time=instant_to_pb(exemption.start),
        end_time=instant_to_pb(exemption.end),
        metadata=exemption.metadata,
    )
