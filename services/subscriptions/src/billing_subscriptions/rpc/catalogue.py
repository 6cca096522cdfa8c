"""The services of the catalogue beside plans, as one bundle for the composition root."""

import grpc
from billing.subscriptions.v1 import (
    add_ons_service_pb2,
    add_ons_service_pb2_grpc,
    catalog_service_pb2,
    catalog_service_pb2_grpc,
    coupons_service_pb2,
    coupons_service_pb2_grpc,
    features_service_pb2,
    features_service_pb2_grpc,
    prices_service_pb2,
    prices_service_pb2_grpc,
    products_service_pb2,
    products_service_pb2_grpc,
)

from billing_subscriptions.operations.ports import Begin, Meters, Read
from billing_subscriptions.operations.sold import SoldReads
from billing_subscriptions.rpc.add_ons import AddOnsServicer
from billing_subscriptions.rpc.catalog import CatalogServicer
from billing_subscriptions.rpc.coupons import CouponsServicer
from billing_subscriptions.rpc.features import FeaturesServicer
from billing_subscriptions.rpc.prices import PricesServicer
from billing_subscriptions.rpc.products import ProductsServicer

CATALOGUE_NAMES = (
    products_service_pb2.DESCRIPTOR.services_by_name["ProductsService"].full_name,
    features_service_pb2.DESCRIPTOR.services_by_name["FeaturesService"].full_name,
    add_ons_service_pb2.DESCRIPTOR.services_by_name["AddOnsService"].full_name,
    coupons_service_pb2.DESCRIPTOR.services_by_name["CouponsService"].full_name,
    prices_service_pb2.DESCRIPTOR.services_by_name["PricesService"].full_name,
    catalog_service_pb2.DESCRIPTOR.services_by_name["CatalogService"].full_name,
)


def add_catalogue(server: grpc.aio.Server, begin: Begin, read: Read, meters: Meters, sold: SoldReads) -> None:
    """Adds all of CATALOGUE_NAMES."""
    products_service_pb2_grpc.add_ProductsServiceServicer_to_server(ProductsServicer(begin, read), server)
    features_service_pb2_grpc.add_FeaturesServiceServicer_to_server(FeaturesServicer(begin, read), server)
    add_ons_service_pb2_grpc.add_AddOnsServiceServicer_to_server(AddOnsServicer(begin, read, meters), server)
    coupons_service_pb2_grpc.add_CouponsServiceServicer_to_server(CouponsServicer(begin, read), server)
    prices_service_pb2_grpc.add_PricesServiceServicer_to_server(PricesServicer(read, sold), server)
    catalog_service_pb2_grpc.add_CatalogServiceServicer_to_server(CatalogServicer(begin, read, meters), server)
