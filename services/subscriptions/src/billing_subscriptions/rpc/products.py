"""ProductsService: convert, call one operation, convert."""

from typing import Any

from billing.subscriptions.v1 import product_pb2
from billing.subscriptions.v1 import products_service_pb2 as pb
from billing.subscriptions.v1 import products_service_pb2_grpc as pb_grpc
from billing_runtime.masks import apply_read_mask, check_read_mask, check_update_mask
from billing_runtime.paging import page_of, page_size, uuid_of

from billing_subscriptions.domain.named import Product, Words
from billing_subscriptions.operations.name_products import archive_named, create_named, update_named
from billing_subscriptions.operations.ports import Begin, Read
from billing_subscriptions.wire.ids import product_uuid
from billing_subscriptions.wire.named import product_to_pb

CHANGEABLE = frozenset({"name", "description", "metadata"})


class ProductsServicer(pb_grpc.ProductsServiceServicer):
    """What items belong to."""

    def __init__(self, begin: Begin, read: Read) -> None:
        self.begin = begin
        self.read = read

    async def CreateProduct(self, request: pb.CreateProductRequest, context: Any) -> pb.CreateProductResponse:
        words = Words(request.name, request.description, dict(request.metadata))
        async with self.begin() as uow:
            made = await create_named(uow.products, Product, request.code, words, now=await uow.now())
            return await uow.answer(pb.CreateProductResponse(product=product_to_pb(made)))

    async def GetProduct(self, request: pb.GetProductRequest, context: Any) -> pb.GetProductResponse:
        async with self.read() as reads:
            found = await reads.products.get(product_uuid(request.product_id))
        return pb.GetProductResponse(product=apply_read_mask(product_to_pb(found), request.read_mask))

    async def ListProducts(self, request: pb.ListProductsRequest, context: Any) -> pb.ListProductsResponse:
        check_read_mask(product_pb2.Product.DESCRIPTOR, request.read_mask)
        size, after = page_size(request.page_size), uuid_of(request.page_token)
        async with self.read() as reads:
            found = await reads.products.page(
                code=request.code, archived=request.include_archived, after=after, limit=size + 1
            )
        messages, token = page_of(
            found, size, lambda each: str(each.id), lambda each: apply_read_mask(product_to_pb(each), request.read_mask)
        )
        return pb.ListProductsResponse(products=messages, next_page_token=token)

    async def UpdateProduct(self, request: pb.UpdateProductRequest, context: Any) -> pb.UpdateProductResponse:
        paths = check_update_mask(request.update_mask, CHANGEABLE)
        async with self.begin() as uow:
            changed = await update_named(
                uow.products,
                product_uuid(request.product_id),
                name=request.name if "name" in paths else None,
                description=request.description if "description" in paths else None,
                metadata=dict(request.metadata) if "metadata" in paths else None,
                etag=request.etag,
                now=await uow.now(),
            )
            return await uow.answer(pb.UpdateProductResponse(product=product_to_pb(changed)))

    async def ArchiveProduct(self, request: pb.ArchiveProductRequest, context: Any) -> pb.ArchiveProductResponse:
        async with self.begin() as uow:
            archived = await archive_named(
                uow.products, product_uuid(request.product_id), etag=request.etag, now=await uow.now()
            )
            return await uow.answer(pb.ArchiveProductResponse(product=product_to_pb(archived)))
