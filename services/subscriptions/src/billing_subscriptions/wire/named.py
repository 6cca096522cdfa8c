"""Products and features <-> their messages."""

from billing.subscriptions.v1 import feature_pb2, product_pb2

from billing_subscriptions.domain.etag import etag_of
from billing_subscriptions.domain.named import Feature, Product
from billing_subscriptions.wire.ids import feature_text, product_text
from billing_subscriptions.wire.times import optional_time, time_to_pb


def product_to_pb(product: Product) -> product_pb2.Product:
    return product_pb2.Product(
        product_id=product_text(product.id),
        code=product.code,
        name=product.name,
        description=product.description,
        metadata=product.metadata,
        archive_time=optional_time(product.archived_at),
        etag=etag_of(product.version),
        create_time=time_to_pb(product.created_at),
        update_time=time_to_pb(product.updated_at),
    )


def feature_to_pb(feature: Feature) -> feature_pb2.Feature:
    return feature_pb2.Feature(
        feature_id=feature_text(feature.id),
        code=feature.code,
        name=feature.name,
        description=feature.description,
        metadata=feature.metadata,
        archive_time=optional_time(feature.archived_at),
        etag=etag_of(feature.version),
        create_time=time_to_pb(feature.created_at),
        update_time=time_to_pb(feature.updated_at),
    )
