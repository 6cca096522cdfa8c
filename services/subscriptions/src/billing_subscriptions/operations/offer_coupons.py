"""Creates, changes and archives coupons. Redeeming is part of the life of a subscription."""

from collections.abc import Mapping
from uuid import UUID

from billing_kernel.ids import uuid7

from billing_subscriptions.domain import coupon as rules
from billing_subscriptions.domain.coupon import Coupon, CouponTerms
from billing_subscriptions.domain.etag import check_etag
from billing_subscriptions.domain.named_codes import refuse_unknown_of_coupon
from billing_subscriptions.operations.known import codes_of
from billing_subscriptions.operations.ports import UnitOfWork


async def create_coupon(uow: UnitOfWork, code: str, terms: CouponTerms, metadata: Mapping[str, str]) -> Coupon:
    """Raises CouponCodeTaken, InvalidCoupon, InvalidName, UnknownCurrency."""
    made = rules.create(code, terms, metadata, new_id=uuid7(), now=await uow.now())
    refuse_unknown_of_coupon(terms, await codes_of(uow, coupons=[terms]))
    await uow.coupons.add(made)
    return made


async def update_coupon(
    uow: UnitOfWork, coupon_id: UUID, terms: CouponTerms | None, metadata: Mapping[str, str] | None, etag: str
) -> Coupon:
    """None leaves a part as it is. Raises CouponNotFound, CouponArchived, Conflict and as `create_coupon`."""
    before = await uow.coupons.lock(coupon_id)
    check_etag(etag, before.version)
    after = rules.change(before, terms, metadata, now=await uow.now())
    if terms is not None:
        refuse_unknown_of_coupon(terms, await codes_of(uow, coupons=[terms]))
    if after is not before:
        await uow.coupons.save(after)
    return after


async def archive_coupon(uow: UnitOfWork, coupon_id: UUID, etag: str) -> Coupon:
    """Raises CouponNotFound, Conflict."""
    before = await uow.coupons.lock(coupon_id)
    check_etag(etag, before.version)
    after = rules.archive(before, now=await uow.now())
    if after is not before:
        await uow.coupons.save(after)
    return after
