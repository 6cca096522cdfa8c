"""AddOnsService: convert, call one operation, convert."""

from typing import Any

from billing.subscriptions.v1 import add_on_pb2
from billing.subscriptions.v1 import add_ons_service_pb2 as pb
from billing.subscriptions.v1 import add_ons_service_pb2_grpc as pb_grpc
from billing_runtime.masks import apply_read_mask, check_read_mask, check_update_mask
from billing_runtime.paging import page_of, page_size, uuid_of

from billing_subscriptions.operations.ports import Begin, Meters, Read
from billing_subscriptions.operations.sell_add_ons import archive_add_on, create_add_on, known_meters_of, update_add_on
from billing_subscriptions.wire.add_ons import add_on_to_pb, new_add_on_from_pb
from billing_subscriptions.wire.ids import add_on_uuid

CHANGEABLE = frozenset({"content", "metadata"})


class AddOnsServicer(pb_grpc.AddOnsServiceServicer):
    """What is sold beside plans."""

    def __init__(self, begin: Begin, read: Read, meters: Meters) -> None:
        self.begin = begin
        self.read = read
        self.meters = meters

    async def CreateAddOn(self, request: pb.CreateAddOnRequest, context: Any) -> pb.CreateAddOnResponse:
        wanted = new_add_on_from_pb(request.code, request.content)
        meters = await known_meters_of(self.meters, wanted)
        async with self.begin() as uow:
            made = await create_add_on(uow, request.code, wanted, dict(request.metadata), meters)
            return await uow.answer(pb.CreateAddOnResponse(add_on=add_on_to_pb(made)))

    async def GetAddOn(self, request: pb.GetAddOnRequest, context: Any) -> pb.GetAddOnResponse:
        async with self.read() as reads:
            found = await reads.add_ons.get(add_on_uuid(request.add_on_id))
        return pb.GetAddOnResponse(add_on=apply_read_mask(add_on_to_pb(found), request.read_mask))

    async def ListAddOns(self, request: pb.ListAddOnsRequest, context: Any) -> pb.ListAddOnsResponse:
        check_read_mask(add_on_pb2.AddOn.DESCRIPTOR, request.read_mask)
        size, after = page_size(request.page_size), uuid_of(request.page_token)
        async with self.read() as reads:
            found = await reads.add_ons.page(
                code=request.code, archived=request.include_archived, after=after, limit=size + 1
            )
        messages, token = page_of(
            found, size, lambda each: str(each.id), lambda each: apply_read_mask(add_on_to_pb(each), request.read_mask)
        )
        return pb.ListAddOnsResponse(add_ons=messages, next_page_token=token)

    async def UpdateAddOn(self, request: pb.UpdateAddOnRequest, context: Any) -> pb.UpdateAddOnResponse:
        paths = check_update_mask(request.update_mask, CHANGEABLE)
        wanted = new_add_on_from_pb("", request.content) if "content" in paths else None
        metadata = dict(request.metadata) if "metadata" in paths else None
        meters = await known_meters_of(self.meters, wanted)
        async with self.begin() as uow:
            add_on_id = add_on_uuid(request.add_on_id)
            changed = await update_add_on(uow, add_on_id, wanted, metadata, meters=meters, etag=request.etag)
            return await uow.answer(pb.UpdateAddOnResponse(add_on=add_on_to_pb(changed)))

    async def ArchiveAddOn(self, request: pb.ArchiveAddOnRequest, context: Any) -> pb.ArchiveAddOnResponse:
        async with self.begin() as uow:
            archived = await archive_add_on(uow, add_on_uuid(request.add_on_id), request.etag)
            return await uow.answer(pb.ArchiveAddOnResponse(add_on=add_on_to_pb(archived)))
