"""What of the codes that something names exists, so that it may be sold."""

from collections.abc import Collection

from billing_subscriptions.domain.named import N
from billing_subscriptions.domain.plan import Known
from billing_subscriptions.operations.catalog_ports import NamedStore
from billing_subscriptions.operations.ports import UnitOfWork


async def known_of(
    uow: UnitOfWork, meters: frozenset[str], features: Collection[str], products: Collection[str]
) -> Known:
    """`meters` exist: they were asked of the usage service before the transaction began."""
    return Known(meters, await _there(uow.features, features), await _there(uow.products, products))


async def _there(store: NamedStore[N], codes: Collection[str]) -> frozenset[str]:
    if not codes:
        return frozenset()
    found = await store.by_codes(codes)
    return frozenset(code for code, each in found.items() if each.archived_at is None)
