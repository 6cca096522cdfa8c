"""What becomes of the charges and credits that a step makes: a due now, or waiting for the next one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from billing_kernel.money import Money

from billing_subscriptions.domain.agenda import holds, next_due_at
from billing_subscriptions.domain.charges import Charge, Commitment
from billing_subscriptions.domain.commitments import counting
from billing_subscriptions.domain.policy import Settlement
from billing_subscriptions.domain.step import DueKey, Rules, Step, StepKind, extra_due
from billing_subscriptions.domain.subscription import AppliedCoupon, ScheduledChange, Subscription

Coupons = tuple[AppliedCoupon, ...]


@dataclass(frozen=True, slots=True)
class Made:
    """Charges and credits of a step, those to be settled at once apart from those that wait."""

    now: tuple[Charge, ...] = ()
    later: tuple[Charge, ...] = ()

    @property
    def all(self) -> tuple[Charge, ...]:
        return self.now + self.later

    def __add__(self, other: "Made") -> "Made":
        return Made(self.now + other.now, self.later + other.later)


def settled_as(charges: Iterable[Charge], settlement: Settlement, *, keeps_metered: bool = False) -> Made:
    """`keeps_metered`: metered charges wait for the regular boundary, where a plan-wide commitment counts them."""
    found = tuple(charges)
    if settlement is not Settlement.AT_ONCE:
        return Made(later=found)
    later = tuple(each for each in found if keeps_metered and each.priced is None)
    return Made(tuple(each for each in found if each not in later), later)


def changed(before: Subscription, *, at: datetime, now: datetime, **fields: Any) -> Subscription:
    """The next version of a subscription, with what happens next by itself."""
    after = replace(
        before,
        version=before.version + 1,
        effective_at=max(at, before.effective_at),
        updated_at=max(now, before.updated_at),
        **fields,
    )
    due_at = next_due_at(after)
    return after if due_at == after.next_due_at else replace(after, next_due_at=due_at)


def rescheduled(after: Subscription, scheduled: tuple[ScheduledChange, ...]) -> Subscription:
    """The same version of it with other changes that wait."""
    kept = replace(after, scheduled=scheduled)
    return replace(kept, next_due_at=next_due_at(kept))


def between(
    kind: StepKind,
    before: Subscription,
    after: Subscription,
    made: Made,
    *,
    at: datetime,
    flush: bool = False,
    commitment: Commitment | None = None,
    rules: Rules = (),
) -> Step:
    """A step off the regular boundaries: what is settled at once, or with `flush` all, goes into a due of its own.

    All that was pending goes along. Coupons of a percentage apply; those of an amount wait for the regular boundary,
    but for what the credits take back of them.
    """
    if not (flush or commitment or made.now) or (holds(after) and not flush):
        pending = before.pending + made.all
        kept = after if pending == after.pending else replace(after, pending=pending)
        if _recommits(before, after):
            kept = replace(kept, period_billed_minor=-_of_closed(before.pending, made.all, after))
        return Step(kind, at, before, kept, made=made.all, rules=rules)
    later = () if flush else made.later
    charges = before.pending + made.now + (made.later if flush else ())
    due = extra_due(before.id, after.version) if charges or commitment else None
    coupons = reaching(before.coupons, charges) if due else ()
    if commitment is not None:
        commitment = counting(commitment, before.pending, charges[len(before.pending) :])
    turned = after.period_index != before.period_index  # all credits are of the period before
    billed = after.period_billed_minor + billed_minor(
        [each for each in charges if not (turned and each.credit_of)], after
    )
    if _recommits(before, after):
        billed -= _of_closed(charges[: len(before.pending)], made.all, after)
    kept = replace(after, pending=later, period_billed_minor=billed)
    return Step(kind, at, before, kept, charges, made.all, due, commitment, coupons, rules)


def billed_minor(charges: Sequence[Charge], subscription: Subscription) -> int:
    """What of `charges` is for the current period, or the part of it since another commitment began."""
    start = subscription.committed_from or subscription.period.start
    return sum(each.rounded_minor for each in charges if each.service_period.start >= start)


def _recommits(before: Subscription, after: Subscription) -> bool:
    return after.committed_from is not None and after.committed_from != before.committed_from


def _of_closed(waited: Iterable[Charge], made: Iterable[Charge], after: Subscription) -> int:
    """What lies behind the cut by its service period alone, and belongs to the commitment before: it never counts."""
    return billed_minor([*waited, *(each for each in made if each.credit_of is not None)], after)


def reaching(coupons: Coupons, charges: Sequence[Charge]) -> Coupons:
    """The coupons that a due off the boundaries takes: percentages, and amounts as far as credits take them back.

    Those are of zero: invoicing gives what a credit takes back again on the charges of the same change.
    """
    gives_back = any(each.credit_of is not None for each in charges)
    found = (each if each.percent is not None else _again(each) for each in coupons)
    return tuple(each for each in found if each.percent is not None or gives_back)


def _again(coupon: AppliedCoupon) -> AppliedCoupon:
    return coupon if coupon.amount is None else replace(coupon, amount=Money.zero(coupon.amount.currency))


def consumed(coupons: Coupons, charges: Sequence[Charge]) -> tuple[Coupons, Coupons]:
    """The coupons that a regular due takes, and those that are left behind it: one period of each is used.

    A coupon used up before is gone; one that finds nothing to reduce is kept as it is.
    """
    if not coupons:
        return (), ()
    codes = {
        each.item.code for each in charges if each.credit_of is None and (each.priced is None or each.rounded_minor)
    }
    running = [each for each in coupons if each.periods_left != 0]
    taken = tuple(each for each in running if codes and (not each.item_codes or codes & set(each.item_codes)))
    left = tuple(_used(each) if each in taken else each for each in running) if codes else coupons
    return taken, left


def _used(coupon: AppliedCoupon) -> AppliedCoupon:
    return coupon if coupon.periods_left is None else replace(coupon, periods_left=coupon.periods_left - 1)


def regular(
    kind: StepKind,
    before: Subscription,
    after: Subscription,
    made: Sequence[Charge],
    key: DueKey,
    *,
    at: datetime,
    commitment: Commitment | None = None,
    rules: Rules = (),
    **fields: Any,
) -> Step:
    """A regular boundary: everything that waited and was made goes into its due, unless a pause holds it back.

    `fields` of the subscription change with it.
    """
    pending, found = before.pending, tuple(made)
    if holds(after):
        kept = replace(after, pending=pending + found, **fields)
        return Step(kind, at, before, kept, made=found, rules=rules)
    charges = pending + found
    taken, left = consumed(before.coupons, charges)
    if before.coupons and any(each.credit_of is not None for each in pending):
        taken += tuple(_again(each) for each in before.coupons if each.percent is None and each not in taken)
    due = key if charges or commitment else None
    kept = replace(after, pending=(), coupons=left, period_billed_minor=billed_minor(charges, after), **fields)
    return Step(kind, at, before, kept, charges, found, due, commitment, taken, rules)
