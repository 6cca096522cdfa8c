"""Starts a subscription, now, later or in the past."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from billing_kernel.ids import uuid7

from billing_subscriptions.domain.charges import PriceBook
from billing_subscriptions.domain.coupon import Coupon, check_applicable
from billing_subscriptions.domain.customer import Customer
from billing_subscriptions.domain.errors import InvalidQuantity, PlanVersionNotFound, SubscriptionItemNotFound
from billing_subscriptions.domain.plan import PlanVersion
from billing_subscriptions.domain.start import Order, start
from billing_subscriptions.domain.step import Step
from billing_subscriptions.domain.subscription import AppliedCoupon, Change, Subscription
from billing_subscriptions.operations.life import Sight, Source
from billing_subscriptions.operations.ports import UnitOfWork
from billing_subscriptions.operations.redeem_coupon import applied
from billing_subscriptions.operations.shelf import Shelf, read_shelf
from billing_subscriptions.operations.write_steps import write_steps


@dataclass(frozen=True, slots=True)
class Sold:
    """Which version is asked for: by its id, or the newest one of a plan by its code; in which currency."""

    version_id: UUID | None = None
    plan_code: str = ""
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Opening:
    """What a start sees. `version` is seen in the currency of the subscription."""

    version: PlanVersion
    shelf: Shelf
    sight: Sight
    has_payment_method: bool


@dataclass(frozen=True, slots=True)
class Created:
    """A subscription at its start, with its plan version."""

    step: Step
    version: PlanVersion

    @property
    def subscription(self) -> Subscription:
        return self.step.after


async def create_subscription(
    uow: UnitOfWork,
    customer_id: UUID,
    sold: Sold | UUID,
    order: Order,
    coupon_codes: Sequence[str] = (),
    reason: str = "",
) -> Created:
    """`sold` is a plan version by its id, or named otherwise.

    Raises CustomerNotFound, PlanNotFound, PlanVersionNotFound, ExternalIdTaken, CouponNotFound, CouponExpired,
    CouponExhausted, CouponNotApplicable and what the rules of a start refuse.
    """
    customer = await uow.customers.lock(customer_id)  # so that it is not archived meanwhile
    opening = await open_start(uow, customer, sold if isinstance(sold, Sold) else Sold(sold), order)
    subscription_id = uuid7()
    coupons = await redeemed(uow, opening, customer, subscription_id, order, coupon_codes)
    step = begin(opening, customer, replace(order, coupons=coupons), subscription_id)
    await write_steps(uow, [step], opening.shelf, reason=reason)
    return Created(step, opening.version)


async def open_start(
    source: Source, customer: Customer, sold: Sold, order: Order, *, now: datetime | None = None
) -> Opening:
    """What a start reads; previews begin here as calls do."""
    now = now or await source.now()
    currency = sold.currency or customer.terms.currency
    found = await _version(source, sold, now)
    shelf = await read_shelf(source.catalogue, [found.id], [(currency, Change(add_ons=order.add_ons))])
    version = found.in_currency(currency)
    paying = True
    if version.terms.trial_needs_payment_method:
        paying = bool(await source.payment_methods.having_one([customer.id]))
    return Opening(version, shelf, Sight(shelf.offers(currency), PriceBook(), now), paying)


def begin(opening: Opening, customer: Customer, order: Order, subscription_id: UUID) -> Step:
    """The decision, for the call and for its preview. An item that is unknown is a quantity that is wrong here."""
    sight = opening.sight
    try:
        return start(
            order,
            customer,
            opening.version,
            sight.offers,
            sight.prices,
            subscription_id=subscription_id,
            now=sight.now,
            has_payment_method=opening.has_payment_method,
        )
    except SubscriptionItemNotFound as error:
        raise InvalidQuantity(error.message, facts=error.facts, violations=error.violations) from error


async def checked_coupon(source: Source, opening: Opening, order: Order, coupon: Coupon) -> Coupon:
    """The coupon, which takes something off such a subscription. Raises CouponNotApplicable, CurrencyMismatch."""
    plan_codes = await source.catalogue.plan_codes([opening.version.plan_id])
    check_applicable(
        coupon,
        plan_code=plan_codes[opening.version.plan_id],
        item_codes=[*(item.code for item in opening.version.items), *order.add_ons],
        currency=opening.version.currency,
    )
    return coupon


async def redeemed(
    uow: UnitOfWork, opening: Opening, customer: Customer, subscription_id: UUID, order: Order, codes: Sequence[str]
) -> tuple[AppliedCoupon, ...]:
    """The coupons, redeemed. In the order of the call; their rows are locked in one order, whoever names them."""
    wanted = [await checked_coupon(uow, opening, order, await uow.coupons.by_code(code)) for code in codes]
    made: dict[UUID, AppliedCoupon] = {}
    for each in sorted(wanted, key=lambda each: each.id):
        redemption = await uow.coupons.redeem(each.id, customer.id, subscription_id, opening.sight.now)
        made[each.id] = applied(each, redemption, opening.version.currency)
    return tuple(made[each.id] for each in wanted)


async def _version(source: Source, sold: Sold, now: datetime) -> PlanVersion:
    if sold.version_id is None:
        return await source.catalogue.current(sold.plan_code, now)
    found = await source.catalogue.versions([sold.version_id])
    if sold.version_id not in found:
        raise PlanVersionNotFound("there is no such plan version")
    return found[sold.version_id]
