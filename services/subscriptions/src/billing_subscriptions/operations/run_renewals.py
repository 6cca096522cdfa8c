"""Claims what is due, one boundary each, and publishes what it bills: chunk by chunk, in the order of time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from billing_subscriptions.domain.charges import PriceBook
from billing_subscriptions.domain.customer import Customer
from billing_subscriptions.domain.errors import AsOfInFuture
from billing_subscriptions.domain.events import BillingDue, SubscriptionEvent, of_renewal
from billing_subscriptions.domain.plan import PlanVersion
from billing_subscriptions.domain.renewal import Renewal, renew
from billing_subscriptions.operations.ports import Begin, UnitOfWork

CHUNK_MAX = 1000


@dataclass(frozen=True, slots=True)
class RenewalsRun:
    """`published`: dues of this call; `published_in_run`: of all calls with the run; `more`: whether more is due."""

    published: int
    published_in_run: int
    more: bool


async def run_renewals(begin: Begin, run_id: UUID, as_of: datetime, limit: int) -> RenewalsRun:
    """Claims at most `limit` boundaries in transactions of at most CHUNK_MAX. Raises AsOfInFuture.

    Every boundary is claimed once, whoever calls and how often; a catch-up passes through its periods in order.
    """
    prices, published, left = PriceBook(), 0, limit
    while True:
        async with begin() as uow:
            claimed, opened = await renew_chunk(uow, run_id, as_of, min(left, CHUNK_MAX), prices)
            published, left = published + opened, left - claimed
            if left <= 0 or not claimed:
                more = await uow.subscriptions.is_due(as_of)
                return RenewalsRun(published, await uow.dues.count(run_id), more)


async def renew_chunk(uow: UnitOfWork, run_id: UUID, as_of: datetime, limit: int, prices: PriceBook) -> tuple[int, int]:
    """Claims one chunk: how many boundaries, and how many dues they published."""
    now = await uow.now()
    if as_of > now:
        raise AsOfInFuture("nothing is billed before its time", facts={"now": now.isoformat()})
    claimed = await uow.subscriptions.claim_due(as_of, limit)
    if not claimed:
        return 0, 0
    versions = await uow.plans.versions({each.plan_version_id for each in claimed})
    renewals = [renew(each, versions[each.plan_version_id], prices, now=now) for each in claimed]
    return len(claimed), await _write(uow, run_id, renewals, versions)


async def _write(
    uow: UnitOfWork, run_id: UUID, renewals: Sequence[Renewal], versions: Mapping[UUID, PlanVersion]
) -> int:
    customers = await uow.customers.get_many({each.after.customer_id for each in renewals})
    await uow.subscriptions.save_renewed(renewals)
    await uow.publish(*(_told(each, versions, customers) for each in renewals))
    dues = [BillingDue(each, customers[each.after.customer_id], run_id) for each in renewals if each.charges]
    await uow.dues.add(dues)
    return len(dues)


def _told(
    renewal: Renewal, versions: Mapping[UUID, PlanVersion], customers: Mapping[UUID, Customer]
) -> SubscriptionEvent:
    after = renewal.after
    external_id = customers[after.customer_id].terms.external_id
    return of_renewal(renewal)(after, versions[after.plan_version_id], external_id, renewal.at)
