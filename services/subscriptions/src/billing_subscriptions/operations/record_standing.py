"""Payments that failed and invoices that need no payment any more: past due and active again."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from billing_subscriptions.domain.events import SubscriptionActivated, SubscriptionPastDue
from billing_subscriptions.domain.subscription import Subscription, mark_standing
from billing_subscriptions.operations.change_subscription import tell_changes
from billing_subscriptions.operations.ports import UnitOfWork

Pairs = Sequence[tuple[UUID, UUID]]  # (subscription, invoice)


async def record_unpaid(uow: UnitOfWork, invoices: Pairs) -> None:
    """Running subscriptions of invoices whose payment failed become past due, unless the invoice was paid already."""
    at = await uow.now()
    changed = _marked(await uow.subscriptions.note_unpaid(invoices), unpaid=True, at=at)
    await uow.subscriptions.save(*changed)
    await tell_changes(uow, changed, lambda _after: SubscriptionPastDue, at)


async def record_paid(uow: UnitOfWork, invoices: Pairs) -> None:
    """Past-due subscriptions whose last unpaid invoice is paid or void become active."""
    at = await uow.now()
    changed = _marked(await uow.subscriptions.note_paid(invoices), unpaid=False, at=at)
    await uow.subscriptions.save(*changed)
    await tell_changes(uow, changed, lambda _after: SubscriptionActivated, at)


def _marked(found: Sequence[Subscription], *, unpaid: bool, at: datetime) -> list[Subscription]:
    marked = [(before, mark_standing(before, unpaid=unpaid, now=at)) for before in found]
    return [after for before, after in marked if after is not before]
