"""SellersService: convert, call one operation, convert."""

from typing import Any

from billing.invoicing.v1 import sellers_service_pb2 as pb
from billing.invoicing.v1 import sellers_service_pb2_grpc as pb_grpc
from billing_runtime.masks import apply_read_mask
from billing_runtime.paging import page_of, page_size, uuid_of

from billing_invoicing.operations.create_seller import create_seller
from billing_invoicing.operations.ports import Begin, Read
from billing_invoicing.operations.update_seller import update_seller
from billing_invoicing.wire.sellers import change_from_pb, seller_from_pb, seller_to_pb
from billing_invoicing.wire.values import SELLER, id_from_pb


class SellersServicer(pb_grpc.SellersServiceServicer):
    """Who bills."""

    def __init__(self, begin: Begin, read: Read) -> None:
        self.begin = begin
        self.read = read

    async def CreateSeller(self, request: pb.CreateSellerRequest, context: Any) -> pb.CreateSellerResponse:
        async with self.begin() as uow:
            made = await create_seller(uow, seller_from_pb(request))
            return await uow.answer(pb.CreateSellerResponse(seller=seller_to_pb(made)))

    async def GetSeller(self, request: pb.GetSellerRequest, context: Any) -> pb.GetSellerResponse:
        async with self.read() as reads:
            found = await reads.sellers.get(id_from_pb(SELLER, request.seller_id))
        return pb.GetSellerResponse(seller=apply_read_mask(seller_to_pb(found), request.read_mask))

    async def ListSellers(self, request: pb.ListSellersRequest, context: Any) -> pb.ListSellersResponse:
        size = page_size(request.page_size)
        async with self.read() as reads:
            rows = await reads.list_sellers(after=uuid_of(request.page_token), limit=size + 1)
        found, token = page_of(
            rows,
            size,
            lambda row: str(row.seller_id),
            lambda row: apply_read_mask(seller_to_pb(row), request.read_mask),
        )
        return pb.ListSellersResponse(sellers=found, next_page_token=token)

    async def UpdateSeller(self, request: pb.UpdateSellerRequest, context: Any) -> pb.UpdateSellerResponse:
        change = change_from_pb(request)
        async with self.begin() as uow:
            made = await update_seller(uow, id_from_pb(SELLER, request.seller_id), change, etag=request.etag)
            return await uow.answer(pb.UpdateSellerResponse(seller=seller_to_pb(made)))
