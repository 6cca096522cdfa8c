"""Payments that failed and invoices that need no payment any more: past due and active again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from billing_subscriptions.domain.events import SubscriptionActivated, SubscriptionPastDue
from billing_subscriptions.domain.subscription import Subscription, mark_standing
from billing_subscriptions.operations.change_subscription import tell_changes
from billing_subscriptions.operations.ports import UnitOfWork


@dataclass(frozen=True, slots=True)
class Standing:
    """What happened to one invoice of one subscription; `at` is business time."""

    subscription_id: UUID
    invoice_id: UUID
    at: datetime


async def record_unpaid(uow: UnitOfWork, standings: Sequence[Standing]) -> None:
    """Running subscriptions of invoices whose payment failed become past due, unless the invoice was paid already."""
    found = await uow.subscriptions.note_unpaid([(each.subscription_id, each.invoice_id) for each in standings])
    at = _times(standings)
    changed = [mark_standing(each, unpaid=True, now=at(each)) for each in found]
    await uow.subscriptions.save(*changed)
    await tell_changes(uow, changed, lambda _after: SubscriptionPastDue, at)


async def record_paid(uow: UnitOfWork, standings: Sequence[Standing]) -> None:
    """Past-due subscriptions whose last unpaid invoice is paid or void become active."""
    found = await uow.subscriptions.note_paid([(each.subscription_id, each.invoice_id) for each in standings])
    at = _times(standings)
    changed = [mark_standing(each, unpaid=False, now=at(each)) for each in found]
    await uow.subscriptions.save(*changed)
    await tell_changes(uow, changed, lambda _after: SubscriptionActivated, at)


def _times(standings: Sequence[Standing]) -> Callable[[Subscription], datetime]:
    """The latest instant of a subscription among `standings`."""
    latest: dict[UUID, datetime] = {}
    for each in standings:
        latest[each.subscription_id] = max(each.at, latest.get(each.subscription_id, each.at))
    return lambda subscription: latest[subscription.id]
