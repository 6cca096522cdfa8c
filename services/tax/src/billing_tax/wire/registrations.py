"""Registrations between protobuf and domain."""

from billing.tax.v1 import registration_pb2 as pb
from billing.tax.v1 import registrations_service_pb2 as rpc
from billing_kernel.ids import uuid7

from billing_tax.domain.places import Place
from billing_tax.domain.registration import Registration, Scheme
from billing_tax.wire.values import REGISTRATION, SELLER, id_from_pb, id_to_pb, instant_from_pb, instant_to_pb

_SCHEMES = {
    pb.REGISTRATION_SCHEME_DOMESTIC: Scheme.DOMESTIC,
    pb.REGISTRATION_SCHEME_EU_OSS: Scheme.EU_OSS,
}
_SCHEMES_PB = {scheme: number for number, scheme in _SCHEMES.items()}
assert set(_SCHEMES_PB) == set(Scheme)


def registration_from_pb(request: rpc.CreateRegistrationRequest) -> Registration:
    """A registration with a fresh id. Raises InvalidId, InvalidTime."""
    return Registration(
        id=uuid7(),
        seller_id=id_from_pb(SELLER, request.seller_id),
        place=Place(request.country_code, request.region),
        scheme=_SCHEMES[request.scheme],
        tax_number=request.tax_number,
        start=instant_from_pb(request.start_time, "start_time"),
        metadata=dict(request.metadata),
    )


def registration_to_pb(registration: Registration) -> pb.Registration:
    """All fields."""
    message = registration_facts_to_pb(registration)
    record = pb.Registration(
        etag=str(registration.version),
        create_time=instant_to_pb(registration.created_at),
        update_time=instant_to_pb(registration.updated_at),
    )
    message.MergeFrom(record)
    return message


def registration_facts_to_pb(registration: Registration) -> pb.Registration:
    """What events tell: without etag and times of record."""
    return pb.Registration(
        registration_id=id_to_pb(REGISTRATION, registration.id),
        seller_id=id_to_pb(SELLER, registration.seller_id),
        country_code=registration.place.country,
        region=registration.place.region,
        scheme=_SCHEMES_PB[registration.scheme],
        tax_number=registration.tax_number,
        start_time=instant_to_pb(registration.start),
        end_time=instant_to_pb(registration.end),
        metadata=registration.metadata,
    )
