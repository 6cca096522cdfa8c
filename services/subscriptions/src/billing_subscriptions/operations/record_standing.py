"""Payments that failed and invoices that need no payment any more: past due, active again, begun at last."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from billing_subscriptions.domain.boundary import catch_up
from billing_subscriptions.domain.charges import PriceBook
from billing_subscriptions.domain.standing import mark_standing
from billing_subscriptions.domain.step import Step
from billing_subscriptions.domain.subscription import State, Subscription
from billing_subscriptions.operations.ports import UnitOfWork
from billing_subscriptions.operations.shelf import Shelf, shelf_for
from billing_subscriptions.operations.write_steps import write_steps


@dataclass(frozen=True, slots=True)
class Standing:
    """What happened to one invoice of one subscription; `at` is business time. `paid`: not void, not unpaid."""

    subscription_id: UUID
    invoice_id: UUID
    at: datetime
    paid: bool = False


async def record_unpaid(uow: UnitOfWork, standings: Sequence[Standing]) -> None:
    """Running subscriptions of invoices whose payment failed become past due, unless the invoice was paid already."""
    found = await uow.subscriptions.note_unpaid([(each.subscription_id, each.invoice_id) for each in standings])
    await _mark(uow, found, _times(standings), unpaid=True)


async def record_paid(uow: UnitOfWork, standings: Sequence[Standing]) -> None:
    """Past-due subscriptions without an unpaid invoice become active; incomplete ones begin when theirs is paid."""
    found = await uow.subscriptions.note_paid([(each.subscription_id, each.invoice_id) for each in standings])
    paid = {each.subscription_id for each in standings if each.paid}
    meant = [each for each in found if each.state is not State.INCOMPLETE or each.id in paid]
    await _mark(uow, meant, _times(standings), unpaid=False)


async def _mark(
    uow: UnitOfWork, found: Sequence[Subscription], at: Callable[[UUID], datetime], *, unpaid: bool
) -> None:
    """Boundaries that are due are left to the renewals, but for a start that expired before its payment came."""
    if not found:
        return
    now = await uow.now()
    shelf = await shelf_for(uow.catalogue, found)
    steps = [step for each in found for step in _steps(each, shelf, unpaid=unpaid, at=at(each.id), now=now)]
    await write_steps(uow, steps, shelf)


def _steps(before: Subscription, shelf: Shelf, *, unpaid: bool, at: datetime, now: datetime) -> list[Step]:
    steps: list[Step] = []
    if before.state is State.INCOMPLETE:
        steps = catch_up(before, shelf.offers(before.currency), PriceBook(), now=at)
    current = steps[-1].after if steps else before
    marked = mark_standing(current, unpaid=unpaid, at=max(at, current.effective_at), now=now)
    return [*steps, marked] if marked else steps


def _times(standings: Sequence[Standing]) -> Callable[[UUID], datetime]:
    """The latest instant of a subscription among `standings`."""
    latest: dict[UUID, datetime] = {}
    for each in standings:
        latest[each.subscription_id] = max(each.at, latest.get(each.subscription_id, each.at))
    return latest.__getitem__
