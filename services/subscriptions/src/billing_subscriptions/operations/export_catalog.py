"""Everything that is sold, in order of codes."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from billing_subscriptions.domain.add_on import AddOn
from billing_subscriptions.domain.catalog_errors import CatalogTooLarge
from billing_subscriptions.domain.coupon import Coupon
from billing_subscriptions.domain.named import Feature, Product
from billing_subscriptions.domain.plan import Plan, PlanVersion
from billing_subscriptions.operations.ports import Reads

EACH_MAX = 1000  # of each kind: as many as a catalogue file holds


@dataclass(frozen=True, slots=True)
class Export:
    """Plans with their newest published version."""

    products: Sequence[Product]
    features: Sequence[Feature]
    plans: Sequence[tuple[Plan, PlanVersion | None]]
    add_ons: Sequence[AddOn]
    coupons: Sequence[Coupon]


class _Coded(Protocol):
    @property
    def code(self) -> str: ...


T = TypeVar("T", bound=_Coded)
Page = Callable[..., Awaitable[Sequence[T]]]


async def export_catalog(reads: Reads, *, archived: bool) -> Export:
    """Raises CatalogTooLarge."""
    plans = await _all(reads.plans, archived)
    versions = await reads.latest_versions([plan.code for plan in plans])
    return Export(
        products=await _all(reads.products.page, archived),
        features=await _all(reads.features.page, archived),
        plans=[(plan, versions.get(plan.id)) for plan in plans],
        add_ons=await _all(reads.add_ons.page, archived),
        coupons=await _all(reads.coupons.page, archived),
    )


async def _all(page: Page[T], archived: bool) -> Sequence[T]:
    found = await page(code="", archived=archived, after=None, limit=EACH_MAX + 1)
    if len(found) > EACH_MAX:
        raise CatalogTooLarge(f"more than {EACH_MAX} of a kind: read them by the lists")
    return sorted(found, key=lambda each: each.code)
