"""CouponsService: convert, call one operation, convert."""

from typing import Any

from billing.subscriptions.v1 import coupon_pb2
from billing.subscriptions.v1 import coupons_service_pb2 as pb
from billing.subscriptions.v1 import coupons_service_pb2_grpc as pb_grpc
from billing_runtime.masks import apply_read_mask, check_read_mask, check_update_mask
from billing_runtime.paging import page_of, page_size, uuid_of

from billing_subscriptions.operations.offer_coupons import archive_coupon, create_coupon, update_coupon
from billing_subscriptions.operations.ports import Begin, Read
from billing_subscriptions.wire.coupons import coupon_terms_from_pb, coupon_to_pb, redemption_to_pb
from billing_subscriptions.wire.ids import coupon_uuid, customer_uuid

CHANGEABLE = frozenset({"terms", "metadata"})


class CouponsServicer(pb_grpc.CouponsServiceServicer):
    """What is taken off for those who name a code."""

    def __init__(self, begin: Begin, read: Read) -> None:
        self.begin = begin
        self.read = read

    async def CreateCoupon(self, request: pb.CreateCouponRequest, context: Any) -> pb.CreateCouponResponse:
        terms = coupon_terms_from_pb(request.terms)
        async with self.begin() as uow:
            made = await create_coupon(uow, request.code, terms, dict(request.metadata))
            return await uow.answer(pb.CreateCouponResponse(coupon=coupon_to_pb(made)))

    async def GetCoupon(self, request: pb.GetCouponRequest, context: Any) -> pb.GetCouponResponse:
        async with self.read() as reads:
            found = await reads.coupons.get(coupon_uuid(request.coupon_id))
        return pb.GetCouponResponse(coupon=apply_read_mask(coupon_to_pb(found), request.read_mask))

    async def ListCoupons(self, request: pb.ListCouponsRequest, context: Any) -> pb.ListCouponsResponse:
        check_read_mask(coupon_pb2.Coupon.DESCRIPTOR, request.read_mask)
        size, after = page_size(request.page_size), uuid_of(request.page_token)
        async with self.read() as reads:
            found = await reads.coupons.page(
                code=request.code, archived=request.include_archived, after=after, limit=size + 1
            )
        messages, token = page_of(
            found, size, lambda each: str(each.id), lambda each: apply_read_mask(coupon_to_pb(each), request.read_mask)
        )
        return pb.ListCouponsResponse(coupons=messages, next_page_token=token)

    async def UpdateCoupon(self, request: pb.UpdateCouponRequest, context: Any) -> pb.UpdateCouponResponse:
        paths = check_update_mask(request.update_mask, CHANGEABLE)
        terms = coupon_terms_from_pb(request.terms) if "terms" in paths else None
        metadata = dict(request.metadata) if "metadata" in paths else None
        async with self.begin() as uow:
            changed = await update_coupon(uow, coupon_uuid(request.coupon_id), terms, metadata, request.etag)
            return await uow.answer(pb.UpdateCouponResponse(coupon=coupon_to_pb(changed)))

    async def ArchiveCoupon(self, request: pb.ArchiveCouponRequest, context: Any) -> pb.ArchiveCouponResponse:
        async with self.begin() as uow:
            archived = await archive_coupon(uow, coupon_uuid(request.coupon_id), request.etag)
            return await uow.answer(pb.ArchiveCouponResponse(coupon=coupon_to_pb(archived)))

    async def ListCouponRedemptions(
        self, request: pb.ListCouponRedemptionsRequest, context: Any
    ) -> pb.ListCouponRedemptionsResponse:
        check_read_mask(coupon_pb2.CouponRedemption.DESCRIPTOR, request.read_mask)
        size, after = page_size(request.page_size), uuid_of(request.page_token)
        customer_id = customer_uuid(request.customer_id) if request.customer_id else None
        async with self.read() as reads:
            coupon_id = coupon_uuid(request.coupon_id)
            found = await reads.coupons.redemptions(coupon_id, customer_id=customer_id, after=after, limit=size + 1)
        messages, token = page_of(
            found,
            size,
            lambda each: str(each.id),
            lambda each: apply_read_mask(redemption_to_pb(each), request.read_mask),
        )
        return pb.ListCouponRedemptionsResponse(redemptions=messages, next_page_token=token)
