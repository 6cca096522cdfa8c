"""What CancelSubscription would make, by the same code; writes nothing."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from billing_subscriptions.domain.cancel import CancelOrder
from billing_subscriptions.domain.charges import Charge, Commitment
from billing_subscriptions.domain.preview import upcoming
from billing_subscriptions.operations.cancel_subscription import cancel_by
from billing_subscriptions.operations.life import Decided
from billing_subscriptions.operations.ports import Reads
from billing_subscriptions.operations.preview_change import open_preview


@dataclass(frozen=True, slots=True)
class CancelationPreview:
    """`charges` and `commitment`: what the end makes when it comes, as far as is known now."""

    decided: Decided
    ends_at: datetime
    charges: tuple[Charge, ...]
    commitment: Commitment | None


async def preview_cancelation(
    reads: Reads, subscription_id: UUID, order: CancelOrder, at: datetime | None = None
) -> CancelationPreview:
    """`at`: when it is thought to be asked for; None means now. Raises as `cancel_subscription`."""
    opened = await open_preview(reads, subscription_id, at)
    decided = Decided(opened, tuple(cancel_by(order)(opened.current, opened.sight)))
    after, end = decided.subscription, decided.steps[-1]
    ends_at = after.ends_at
    assert ends_at is not None, "a cancelation has an end"
    if after.ended:
        return CancelationPreview(decided, ends_at, end.made, end.commitment)
    sight, able = opened.sight, opened.has_payment_method
    steps = upcoming(after, sight.offers, sight.prices, has_payment_method=able)
    last = [step for step in steps if step.at == ends_at]
    made = tuple(charge for step in last for charge in step.made)
    return CancelationPreview(decided, ends_at, made, last[-1].commitment if last else None)
