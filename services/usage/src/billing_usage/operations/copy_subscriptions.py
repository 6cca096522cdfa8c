"""What customers' and subscriptions' events change here: the copies that rating works on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from billing_usage.domain.subscription import Customer, Subscription, rename
from billing_usage.operations.ports import CopyStore


@dataclass(frozen=True, slots=True)
class Naming:
    """An event's word on a customer's external id ("" is none). `version` 0 is the word of a subscription, which counts
    only while nothing else is known."""

    customer_id: UUID
    external_id: str
    version: int
    at: datetime


async def copy_names(store: CopyStore, namings: Sequence[Naming]) -> None:
    """Applies the namings in order; older versions change nothing."""
    before = await store.lock_customers(sorted({naming.customer_id for naming in namings}))
    after: dict[UUID, Customer] = dict(before)
    for naming in namings:
        known = after.get(naming.customer_id)
        after[naming.customer_id] = rename(known, naming.customer_id, naming.external_id, naming.version, naming.at)
    await store.save_customers([after[key] for key in sorted(after) if after[key] != before.get(key)])


async def copy_subscriptions(store: CopyStore, found: Sequence[tuple[Subscription, datetime]]) -> None:
    """Keeps the newest version of each subscription; each comes with the business time of its event."""
    await copy_names(store, [Naming(s.customer_id, s.external_customer_id, 0, at) for s, at in found])
    newest: dict[UUID, Subscription] = {}
    for subscription, _ in found:
        held = newest.get(subscription.subscription_id)
        if held is None or subscription.version > held.version:
            newest[subscription.subscription_id] = subscription
    await store.save_subscriptions([newest[key] for key in sorted(newest)])
