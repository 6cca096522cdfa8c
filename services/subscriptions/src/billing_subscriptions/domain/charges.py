"""Charges: what one item costs for one service period, with the explanation of the amount."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from uuid import UUID, uuid5

from billing_kernel.money import ExactAmount, Money, round_amount
from billing_kernel.period import Period, share
from billing_pricing import Explanation, rate
from billing_pricing.nodes import Constant, Multiply

from billing_subscriptions.domain.plan import ItemKind, PlanItem, PlanVersion, Timing, unit_amount_of
from billing_subscriptions.domain.subscription import Subscription, SubscriptionItem, quantity_of

CHARGES = UUID("6f0c7d54-3d0e-5b0f-9a55-0d4f5a6f2b11")  # the namespace of charge ids, fixed for good
WHOLE = Fraction(1)
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Priced:
    """An amount that subscriptions owns: flat fees and seats."""

    quantity: Fraction
    unit_amount: Fraction | None
    exact: ExactAmount
    rounded: Money
    explanation: str


@dataclass(frozen=True, slots=True)
class Charge:
    """`priced` is None for metered items, which usage rates; `supply_at` decides the tax rate."""

    id: UUID
    item: PlanItem
    subscription_item_id: UUID
    description: str
    service_period: Period
    supply_at: datetime
    priced: Priced | None


class PriceBook:
    """Prices that were worked out before: a month's end asks for the same few again and again."""

    def __init__(self) -> None:
        self._known: dict[tuple[UUID, Fraction, Fraction], Priced] = {}

    def price(self, item: PlanItem, quantity: Fraction, part: Fraction, currency: str) -> Priced:
        """The amount of `part` of a period, at most 1. A part is named in the explanation."""
        key = (item.price_id, quantity, part)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = price(item, quantity, part, currency)
        return found


def price(item: PlanItem, quantity: Fraction, part: Fraction, currency: str) -> Priced:
    """Rates the quantity and takes `part` of it, rounding once. Raises AmountOverflow."""
    rated = rate(item.model, quantity, currency)
    exact, tree = rated.exact, rated.tree
    if part != WHOLE:
        exact = ExactAmount(currency, exact.value * part)
        tree = Multiply((Constant(part, "of the period, by seconds"), tree))
    explanation = Explanation(tree, currency, rated.rounding, {"item": item.code})
    return Priced(
        quantity, unit_amount_of(item.model), exact, round_amount(exact, rated.rounding), explanation.to_json()
    )


def advance_charges(subscription: Subscription, version: PlanVersion, prices: PriceBook) -> tuple[Charge, ...]:
    """What the current period costs at its start."""
    return _charges(subscription, version, prices, Timing.ADVANCE, subscription.period)


def arrears_charges(
    subscription: Subscription, version: PlanVersion, prices: PriceBook, end: datetime
) -> tuple[Charge, ...]:
    """What the current period costs at its end, or at an earlier `end`: then fixed fees count for their share."""
    if end <= subscription.period.start:
        return ()
    return _charges(subscription, version, prices, Timing.ARREARS, Period(subscription.period.start, end))


def _charges(
    subscription: Subscription, version: PlanVersion, prices: PriceBook, timing: Timing, served: Period
) -> tuple[Charge, ...]:
    part = WHOLE if served == subscription.period else share(served, subscription.period)
    supply_at = served.start if timing is Timing.ADVANCE else served.end - _TICK
    plan_items = {item.id: item for item in version.items}
    pairs = ((plan_items[item.plan_item_id], item) for item in subscription.items)
    return tuple(
        Charge(
            id=charge_id(item.id, served, plan_item.kind),
            item=plan_item,
            subscription_item_id=item.id,
            description=_description(plan_item, part),
            service_period=served,
            supply_at=supply_at,
            priced=_priced(plan_item, item, served, part, version.currency, prices),
        )
        for plan_item, item in pairs
        if plan_item.timing is timing
    )


def _priced(
    plan_item: PlanItem, item: SubscriptionItem, served: Period, part: Fraction, currency: str, prices: PriceBook
) -> Priced | None:
    if plan_item.kind is ItemKind.METERED:
        return None
    return prices.price(plan_item, quantity_of(item, served.start), part, currency)


def _description(item: PlanItem, part: Fraction) -> str:
    return item.name if part == WHOLE or item.kind is ItemKind.METERED else f"{item.name} (part of the period)"


def charge_id(subscription_item_id: UUID, served: Period, kind: ItemKind, ordinal: int = 0) -> UUID:
    """The same for the same item, service period, kind and ordinal, on every attempt and in every process."""
    span = f"{served.start.isoformat()}/{served.end.isoformat()}"
    return uuid5(CHARGES, f"{subscription_item_id}|{span}|{kind.value}|{ordinal}")
