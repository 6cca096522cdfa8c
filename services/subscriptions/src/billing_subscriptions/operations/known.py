"""What of the codes that something names exists, so that it may be sold."""

from collections.abc import Collection, Iterable

from billing_subscriptions.domain.add_on import NewAddOn
from billing_subscriptions.domain.coupon import CouponTerms
from billing_subscriptions.domain.known import Known
from billing_subscriptions.domain.named import N
from billing_subscriptions.domain.named_codes import Codes
from billing_subscriptions.operations.catalog_ports import NamedStore
from billing_subscriptions.operations.ports import UnitOfWork


async def known_of(
    uow: UnitOfWork, meters: frozenset[str], features: Collection[str], products: Collection[str]
) -> Known:
    """`meters` exist: they were asked of the usage service before the transaction began."""
    return Known(meters, await _there(uow.features, features), await _there(uow.products, products))


async def codes_of(uow: UnitOfWork, add_ons: Iterable[NewAddOn] = (), coupons: Iterable[CouponTerms] = ()) -> Codes:
    """What exists of the codes that these name."""
    add_ons, coupons = list(add_ons), list(coupons)
    plans = {code for each in add_ons for code in each.plan_codes}
    plans |= {code for each in coupons for code in each.plan_codes}
    items = {code for each in coupons for code in each.item_codes}
    beside = items | {code for each in add_ons for code in each.requires}
    there = frozenset(await uow.add_ons.by_codes(sorted(beside))) if beside else frozenset()
    return Codes(
        await uow.plans.codes_there(sorted(plans)) if plans else frozenset(),
        there,
        there | await uow.plans.item_codes_there(sorted(items)) if items else there,
    )


async def _there(store: NamedStore[N], codes: Collection[str]) -> frozenset[str]:
    if not codes:
        return frozenset()
    found = await store.by_codes(codes)
    return frozenset(code for code, each in found.items() if each.archived_at is None)
