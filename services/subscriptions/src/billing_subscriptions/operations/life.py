"""The frame of every change to one subscription: lock, catch up, decide, write."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from billing_subscriptions.domain.agenda import trial_ahead
from billing_subscriptions.domain.boundary import catch_up
from billing_subscriptions.domain.charges import Charge, PriceBook
from billing_subscriptions.domain.etag import check_etag
from billing_subscriptions.domain.plan import PlanVersion
from billing_subscriptions.domain.step import Offers, Rules, Step
from billing_subscriptions.domain.subscription import Change, Subscription
from billing_subscriptions.operations.ports import Catalogue, PaymentMethods, UnitOfWork
from billing_subscriptions.operations.shelf import NO_CHANGES, Shelf, shelf_for, wanted_versions
from billing_subscriptions.operations.write_steps import write_steps


class Source(Protocol):
    """What deciding reads: a unit of work, or plain reads."""

    @property
    def catalogue(self) -> Catalogue: ...

    @property
    def payment_methods(self) -> PaymentMethods: ...

    async def now(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Sight:
    """What a decision sees: the catalogue in the subscription's currency, prices known so far, business time."""

    offers: Offers
    prices: PriceBook
    now: datetime


Decide = Callable[[Subscription, Sight], Sequence[Step]]


@dataclass(frozen=True, slots=True)
class Opened:
    """A subscription caught up to `sight.now`: `caught` are the boundaries that were due before.

    `has_payment_method`: what the end of its trial will be told; True where no trial is ahead.
    """

    before: Subscription
    caught: tuple[Step, ...]
    shelf: Shelf
    sight: Sight
    has_payment_method: bool

    @property
    def current(self) -> Subscription:
        return self.caught[-1].after if self.caught else self.before


@dataclass(frozen=True, slots=True)
class Decided:
    """A subscription after a decision that made `steps`; none where there was nothing to do."""

    opened: Opened
    steps: tuple[Step, ...]

    @property
    def subscription(self) -> Subscription:
        return self.steps[-1].after if self.steps else self.opened.current

    @property
    def version(self) -> PlanVersion:
        """The plan version of the subscription after it."""
        return self.opened.sight.offers.versions[self.subscription.plan_version_id]

    @property
    def made(self) -> tuple[Charge, ...]:
        """Charges and credits of the decision."""
        return tuple(charge for step in self.steps for charge in step.made)

    @property
    def rules(self) -> Rules:
        """The kinds of change it was taken for, each with its rule."""
        return tuple(rule for step in self.steps for rule in step.rules)


async def change_life(
    uow: UnitOfWork,
    subscription_id: UUID,
    etag: str,
    decide: Decide,
    *,
    changes: Sequence[Change] = NO_CHANGES,
    reason: str = "",
) -> Decided:
    """Boundaries that are due are claimed first, so that a decision never reaches back behind them.

    `changes`: what the decision may need of the catalogue. Raises SubscriptionNotFound, Conflict, RenewalsBehind and
    what `decide` refuses.
    """
    opened = await lock_life(uow, subscription_id, etag, changes=changes)
    return await close_life(uow, opened, decide(opened.current, opened.sight), reason=reason)


async def lock_life(
    uow: UnitOfWork, subscription_id: UUID, etag: str, *, changes: Sequence[Change] = NO_CHANGES
) -> Opened:
    """The first half of `change_life`. The etag is that of the row as it was read, before it is caught up."""
    before = await uow.subscriptions.lock(subscription_id, wanted_versions(changes))
    check_etag(etag, before.version)
    return await open_life(uow, before, changes=changes, now=await uow.now())


async def close_life(uow: UnitOfWork, opened: Opened, steps: Sequence[Step], *, reason: str = "") -> Decided:
    """The second half: writes what was caught up, then what was decided; `reason` is that of the decision alone."""
    await write_steps(uow, opened.caught, opened.shelf)
    await write_steps(uow, steps, opened.shelf, reason=reason)
    return Decided(opened, tuple(steps))


async def open_life(
    source: Source, before: Subscription, *, changes: Sequence[Change] = NO_CHANGES, now: datetime
) -> Opened:
    """A subscription caught up, without a write: previews begin here as calls do. Raises RenewalsBehind."""
    shelf = await shelf_for(source.catalogue, [before], changes)
    sight = Sight(shelf.offers(before.currency), known_prices(), now)
    able = await has_payment_method(source, before)
    caught = catch_up(before, sight.offers, sight.prices, now=now, has_payment_method=able)
    return Opened(before, tuple(caught), shelf, sight, able)


PRICES_MAX = 20_000
_BOOKS: list[PriceBook] = []  # the one of this process: what a price makes of a quantity never changes


def known_prices() -> PriceBook:
    """Prices that any call has worked out; begun anew before it grows too big."""
    if not _BOOKS or len(_BOOKS[0]) > PRICES_MAX:
        _BOOKS[:] = [PriceBook()]
    return _BOOKS[0]


async def has_payment_method(source: Source, subscription: Subscription) -> bool:
    """Asked only where the end of a trial may want to know; True for all others."""
    return subscription.customer_id in await paying(source, [subscription])


async def paying(source: Source, group: Collection[Subscription]) -> frozenset[UUID]:
    """Customers with a payment method, as far as the end of a trial may ask for one; all of the others."""
    everyone = frozenset(each.customer_id for each in group)
    asked = frozenset(each.customer_id for each in group if trial_ahead(each))
    return everyone - asked | (await source.payment_methods.having_one(asked) if asked else asked)
