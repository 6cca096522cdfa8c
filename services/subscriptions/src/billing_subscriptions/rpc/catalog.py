"""CatalogService: convert, call one operation, convert."""

from typing import Any

from billing.subscriptions.v1 import catalog_pb2
from billing.subscriptions.v1 import catalog_service_pb2 as pb
from billing.subscriptions.v1 import catalog_service_pb2_grpc as pb_grpc

from billing_subscriptions.domain.catalog_errors import CatalogTooLarge
from billing_subscriptions.operations.apply_catalog import apply_catalog, meters_of
from billing_subscriptions.operations.export_catalog import export_catalog
from billing_subscriptions.operations.ports import Begin, Meters, Read
from billing_subscriptions.wire.catalog import (
    FORM,
    Documents,
    actions_to_pb,
    catalog_add_on_to_pb,
    catalog_coupon_to_pb,
    catalog_feature_to_pb,
    catalog_from_pb,
    catalog_plan_to_pb,
    catalog_product_to_pb,
)

BYTES_MAX = 3 << 20  # an answer is at most 4 MiB


class CatalogServicer(pb_grpc.CatalogServiceServicer):
    """Whole catalogues."""

    def __init__(self, begin: Begin, read: Read, meters: Meters) -> None:
        self.begin = begin
        self.read = read
        self.meters = meters

    async def ExportCatalog(self, request: pb.ExportCatalogRequest, context: Any) -> pb.ExportCatalogResponse:
        async with self.read() as reads:
            found = await export_catalog(reads, archived=request.include_archived)
        catalog = catalog_pb2.Catalog(
            version=FORM,
            products=map(catalog_product_to_pb, found.products),
            features=map(catalog_feature_to_pb, found.features),
            plans=[catalog_plan_to_pb(plan, version) for plan, version in found.plans],
            add_ons=map(catalog_add_on_to_pb, found.add_ons),
            coupons=map(catalog_coupon_to_pb, found.coupons),
        )
        if catalog.ByteSize() > BYTES_MAX:
            raise CatalogTooLarge("the catalogue is more than one answer holds: read it by the lists")
        return pb.ExportCatalogResponse(catalog=catalog)

    async def ApplyCatalog(self, request: pb.ApplyCatalogRequest, context: Any) -> pb.ApplyCatalogResponse:
        wanted = catalog_from_pb(request.catalog)
        known = await meters_of(self.meters, wanted)
        async with self.begin() as uow:
            actions = await apply_catalog(uow, wanted, known, Documents(), dry_run=request.dry_run)
            return pb.ApplyCatalogResponse(actions=actions_to_pb(actions))
