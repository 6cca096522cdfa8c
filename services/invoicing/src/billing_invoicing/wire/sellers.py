"""Sellers between protobuf and domain."""

from datetime import UTC, datetime

from billing.invoicing.v1 import events_pb2, seller_pb2, sellers_service_pb2
from billing_kernel.errors import Invalid, Violation
from billing_kernel.ids import uuid7
from billing_runtime.masks import check_update_mask

from billing_invoicing.domain.seller import Seller, SellerChange
from billing_invoicing.wire.values import (
    SELLER,
    id_to_pb,
    instant_to_pb,
    party_from_pb,
    party_to_pb,
    tax_ids_from_pb,
    tax_ids_to_pb,
)

CHANGEABLE = ("party", "tax_ids", "footer", "metadata")
_UNSET = datetime.min.replace(tzinfo=UTC)  # the operation gives both times


def seller_from_pb(request: sellers_service_pb2.CreateSellerRequest) -> Seller:
    """A new seller."""
    return Seller(
        seller_id=uuid7(),
        version=1,
        party=party_from_pb(request.party),
        tax_ids=tax_ids_from_pb(request.tax_ids),
        time_zone=request.time_zone or "UTC",
        number_prefix=request.number_prefix,
        is_default=False,
        footer=request.footer,
        metadata=dict(request.metadata),
        created_at=_UNSET,
        updated_at=_UNSET,
    )


def change_from_pb(request: sellers_service_pb2.UpdateSellerRequest) -> SellerChange:
    """Raises InvalidUpdateMask, and Invalid where the party is to change and is missing."""
    paths = check_update_mask(request.update_mask, CHANGEABLE)
    if "party" in paths and not request.HasField("party"):
        violation = Violation("party", "must be set when the update mask names it", "required")
        raise Invalid("a seller has a party", violations=[violation])
    return SellerChange(
        party=party_from_pb(request.party) if "party" in paths else None,
        tax_ids=tax_ids_from_pb(request.tax_ids) if "tax_ids" in paths else None,
        footer=request.footer if "footer" in paths else None,
        metadata=dict(request.metadata) if "metadata" in paths else None,
    )


def seller_to_pb(seller: Seller) -> seller_pb2.Seller:
    return seller_pb2.Seller(
        seller_id=id_to_pb(SELLER, seller.seller_id),
        party=party_to_pb(seller.party),
        tax_ids=tax_ids_to_pb(seller.tax_ids),
        time_zone=seller.time_zone,
        number_prefix=seller.number_prefix,
        is_default=seller.is_default,
        footer=seller.footer,
        metadata=seller.metadata,
        etag=str(seller.version),
        create_time=instant_to_pb(seller.created_at),
        update_time=instant_to_pb(seller.updated_at),
    )


def seller_facts_to_pb(seller: Seller) -> events_pb2.SellerFacts:
    """Without personal data."""
    return events_pb2.SellerFacts(
        seller_id=id_to_pb(SELLER, seller.seller_id),
        version=seller.version,
        country_code=seller.party.country,
        region=seller.party.region,
        is_default=seller.is_default,
    )
