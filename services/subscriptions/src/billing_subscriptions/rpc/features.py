"""FeaturesService: convert, call one operation, convert."""

from typing import Any

from billing.subscriptions.v1 import feature_pb2
from billing.subscriptions.v1 import features_service_pb2 as pb
from billing.subscriptions.v1 import features_service_pb2_grpc as pb_grpc
from billing_runtime.masks import apply_read_mask, check_read_mask, check_update_mask
from billing_runtime.paging import page_of, page_size, uuid_of

from billing_subscriptions.domain.named import Feature, Words
from billing_subscriptions.operations.name_products import archive_named, create_named, update_named
from billing_subscriptions.operations.ports import Begin, Read
from billing_subscriptions.wire.ids import feature_uuid
from billing_subscriptions.wire.named import feature_to_pb

CHANGEABLE = frozenset({"name", "description", "metadata"})


class FeaturesServicer(pb_grpc.FeaturesServiceServicer):
    """What entitlements permit."""

    def __init__(self, begin: Begin, read: Read) -> None:
        self.begin = begin
        self.read = read

    async def CreateFeature(self, request: pb.CreateFeatureRequest, context: Any) -> pb.CreateFeatureResponse:
        words = Words(request.name, request.description, dict(request.metadata))
        async with self.begin() as uow:
            made = await create_named(uow.features, Feature, request.code, words, now=await uow.now())
            return await uow.answer(pb.CreateFeatureResponse(feature=feature_to_pb(made)))

    async def GetFeature(self, request: pb.GetFeatureRequest, context: Any) -> pb.GetFeatureResponse:
        async with self.read() as reads:
            found = await reads.features.get(feature_uuid(request.feature_id))
        return pb.GetFeatureResponse(feature=apply_read_mask(feature_to_pb(found), request.read_mask))

    async def ListFeatures(self, request: pb.ListFeaturesRequest, context: Any) -> pb.ListFeaturesResponse:
        check_read_mask(feature_pb2.Feature.DESCRIPTOR, request.read_mask)
        size, after = page_size(request.page_size), uuid_of(request.page_token)
        async with self.read() as reads:
            found = await reads.features.page(
                code=request.code, archived=request.include_archived, after=after, limit=size + 1
            )
        messages, token = page_of(
            found, size, lambda each: str(each.id), lambda each: apply_read_mask(feature_to_pb(each), request.read_mask)
        )
        return pb.ListFeaturesResponse(features=messages, next_page_token=token)

    async def UpdateFeature(self, request: pb.UpdateFeatureRequest, context: Any) -> pb.UpdateFeatureResponse:
        paths = check_update_mask(request.update_mask, CHANGEABLE)
        async with self.begin() as uow:
            changed = await update_named(
                uow.features,
                feature_uuid(request.feature_id),
                name=request.name if "name" in paths else None,
                description=request.description if "description" in paths else None,
                metadata=dict(request.metadata) if "metadata" in paths else None,
                etag=request.etag,
                now=await uow.now(),
            )
            return await uow.answer(pb.UpdateFeatureResponse(feature=feature_to_pb(changed)))

    async def ArchiveFeature(self, request: pb.ArchiveFeatureRequest, context: Any) -> pb.ArchiveFeatureResponse:
        async with self.begin() as uow:
            archived = await archive_named(
                uow.features, feature_uuid(request.feature_id), etag=request.etag, now=await uow.now()
            )
            return await uow.answer(pb.ArchiveFeatureResponse(feature=feature_to_pb(archived)))
