"""Claims what is due, one boundary each, and publishes what it bills: chunk by chunk, in the order of time."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from billing_subscriptions.domain.boundary import boundary
from billing_subscriptions.domain.charges import PriceBook
from billing_subscriptions.domain.errors import AsOfInFuture
from billing_subscriptions.domain.events import BillingDue
from billing_subscriptions.domain.step import Step
from billing_subscriptions.domain.subscription import Boundary, Subscription
from billing_subscriptions.domain.twins import Twins, likeness, teaches, teaches_all, twin_step
from billing_subscriptions.operations.ports import Begin, UnitOfWork
from billing_subscriptions.operations.shelf import Shelf, shelf_for
from billing_subscriptions.operations.twin_ports import TwinStep
from billing_subscriptions.operations.write_steps import told, write_steps

CHUNK_MAX = 1000
LANES = 2  # of a call that is served


@dataclass(frozen=True, slots=True)
class RenewalsRun:
    """`published`: dues of this call; `published_in_run`: of all calls with the run; `more`: whether more is due."""

    published: int
    published_in_run: int
    more: bool


async def run_renewals(begin: Begin, run_id: UUID, as_of: datetime, limit: int, *, lanes: int = 1) -> RenewalsRun:
    """Claims at most `limit` boundaries in transactions of at most CHUNK_MAX. Raises AsOfInFuture.

    Every boundary is claimed once, whoever calls and how often; a catch-up passes through its periods in order. With
    several `lanes` one chunk is worked out while another is written.
    """
    run = _Run(begin, run_id, as_of, limit)
    await asyncio.gather(*(run.lane() for _ in range(lanes)))
    async with begin() as uow:
        return RenewalsRun(run.published, await uow.dues.count(run_id), await uow.subscriptions.is_due(as_of))


@dataclass(slots=True)
class _Run:
    """What the lanes of one call share; `left` is what may still be claimed."""

    begin: Begin
    run_id: UUID
    as_of: datetime
    left: int
    published: int = 0
    prices: PriceBook = field(default_factory=PriceBook)

    async def lane(self) -> None:
        while self.left > 0:
            taken = min(self.left, CHUNK_MAX)
            self.left -= taken
            async with self.begin() as uow:
                claimed, opened = await renew_chunk(uow, self.run_id, self.as_of, taken, self.prices)
            self.left += taken - claimed
            self.published += opened
            if not claimed:
                return


async def renew_chunk(uow: UnitOfWork, run_id: UUID, as_of: datetime, limit: int, prices: PriceBook) -> tuple[int, int]:
    """Claims one chunk: how many boundaries, and how many dues they published."""
    now = await uow.now()
    if as_of > now:
        raise AsOfInFuture("nothing is billed before its time", facts={"now": now.isoformat()})
    claimed = await uow.subscriptions.claim_due(as_of, limit)
    if not claimed:
        return 0, 0
    firsts = [each.first for each in claimed.twins]
    shelf = await shelf_for(uow.catalogue, [*claimed.alone, *firsts])
    alone, opened = list(claimed.alone), 0
    taught = [_taught(each, shelf, prices, run_id, now) for each in claimed.twins]
    for twins, step in zip(claimed.twins, taught, strict=True):
        if step is None:
            alone += await uow.twins.each_of(twins)
        else:
            opened += len(twins)
    await uow.twins.write([each for each in taught if each is not None])
    trials = {each.customer_id for each in alone if each.next_boundary is Boundary.TRIAL_END}
    unable = trials - await uow.payment_methods.having_one(trials) if trials else trials
    steps = _steps(alone, shelf, unable, prices, now)
    return len(claimed), opened + await write_steps(uow, steps, shelf, run_id=run_id)


def _taught(twins: Twins, shelf: Shelf, prices: PriceBook, run_id: UUID, now: datetime) -> TwinStep | None:
    """The step that is that of all; None where each has to be looked at."""
    if likeness(twins.first) is None:
        return None
    step = boundary(twins.first, shelf.offers(twins.first.currency), prices, now=now)
    if not teaches_all(step, twins):
        return None
    customer = twins.customer
    return TwinStep(twins, step, told(step, shelf, {customer.id: customer}), BillingDue(step, customer, run_id))


def _steps(
    claimed: Sequence[Subscription], shelf: Shelf, unable: Collection[UUID], prices: PriceBook, now: datetime
) -> list[Step]:
    """One step each; twins are decided once. `unable`: customers without a payment method at the end of a trial."""
    taught: dict[tuple[Any, ...], Step] = {}
    steps: list[Step] = []
    for each in claimed:
        alike = likeness(each)
        if alike is not None and alike in taught:
            steps.append(twin_step(taught[alike], each, now=now))
            continue
        able = each.customer_id not in unable
        step = boundary(each, shelf.offers(each.currency), prices, now=now, has_payment_method=able)
        steps.append(step)
        if alike is not None and teaches(step):
            taught[alike] = step
    return steps
