"""Definitions that one subscription alone has: prices of its own, discounted first periods, add-ons."""

from dataclasses import replace
from datetime import datetime
from fractions import Fraction
from uuid import UUID, uuid5

from billing_kernel.errors import DomainError, Violation
from billing_pricing import Flat, Measure, Price, price_to_json, price_to_object, rate_price

from billing_subscriptions.domain.errors import InvalidPrice, InvalidQuantity
from billing_subscriptions.domain.plan_item import SEAT_MODELS, ItemKind, ItemPrice, PlanItem
from billing_subscriptions.domain.policy import PlanPhase
from billing_subscriptions.domain.subscription import OwnItem, PriceOverride, SubscriptionItem

OWN_PRICES = UUID("5d7f2a0e-0c4e-5f34-9d57-6b1f1f0a2b3c")  # the namespace of prices for one subscription alone
PHASE_PRICES = UUID("9c1f6d52-7d0b-5c5e-8b1c-9b6f6b0e7d11")  # and of discounted prices, the same for all subscriptions
ONE = Fraction(1)


def aged(item: SubscriptionItem) -> SubscriptionItem | None:
    """The item when one more paid period is over; None where it was an add-on for those periods alone."""
    own = item.own
    if own is None or own.periods_left is None:
        return item
    if own.periods_left > 1:
        return replace(item, own=replace(own, periods_left=own.periods_left - 1))
    if own.then is None and item.add_on_code:
        return None
    return replace(item, own=own.then)


def overridden(
    owner: UUID, item: SubscriptionItem, definition: PlanItem, wanted: PriceOverride, currency: str, field: str
) -> SubscriptionItem:
    """The item at the price of its own that is wanted. Raises InvalidPrice, naming the field."""
    problem = _misfit(definition, wanted.price, currency)
    if problem:
        raise InvalidPrice(f"{field}: {problem}", violations=[Violation(field, problem, "override.price")])
    price_id = uuid5(OWN_PRICES, f"{owner}|{item.code}|{price_to_json(wanted.price)}")
    own = OwnItem(priced_at(definition, wanted.price, price_id, currency), wanted.periods, item.own)
    return replace(item, own=own if wanted.periods is not None or item.add_on_code else replace(own, then=None))


def phased(definition: PlanItem, phases: tuple[PlanPhase, ...], currency: str) -> OwnItem | None:
    """The chain of discounted definitions of a fixed item in the paid phases of its version; None without discounts."""
    if definition.kind is ItemKind.METERED or not any(phase.discount_percent for phase in phases):
        return None
    chain: OwnItem | None = None
    for phase in reversed(phases):
        chain = OwnItem(_discounted(definition, phase, currency), phase.periods, chain)
    return chain


def priced_at(definition: PlanItem, price: Price, price_id: UUID, currency: str) -> PlanItem:
    """The same item at another price, in this currency alone."""
    return replace(definition, price=price, price_id=price_id, prices={currency: ItemPrice(price_id, price)})


def checked_quantity(item: PlanItem, quantity: Fraction, currency: str, field: str) -> Fraction:
    """The quantity. Raises InvalidQuantity, naming the field, unless the item is sold in that quantity."""
    problem = _wrong_quantity(item, quantity, currency)
    if problem:
        raise InvalidQuantity(problem, violations=[Violation(field, problem, "item.quantity")])
    return quantity


def first_quantity(item: PlanItem) -> Fraction | None:
    """The quantity of an item that nobody asked for: 1, or the least that is sold; None for metered items."""
    if item.kind is ItemKind.METERED:
        return None
    return max(ONE, item.min_quantity) if item.kind is ItemKind.SEAT else ONE


def carried_quantity(item: PlanItem, before: Fraction | None) -> Fraction | None:
    """The quantity that an item keeps under another definition, moved into its bounds."""
    if item.kind is not ItemKind.SEAT or before is None:
        return first_quantity(item)
    least = max(before, item.min_quantity)
    return least if item.max_quantity is None else min(least, item.max_quantity)


def _discounted(definition: PlanItem, phase: PlanPhase, currency: str) -> PlanItem:
    if not phase.discount_percent:
        return definition
    adjustments = definition.price.adjustments
    left = (100 - adjustments.discount_percent) * (100 - phase.discount_percent) / 100
    price = replace(definition.price, adjustments=replace(adjustments, discount_percent=100 - left))
    price_id = uuid5(PHASE_PRICES, f"{definition.price_id}|{phase.discount_percent}")
    return priced_at(definition, price, price_id, currency)


def _wrong_quantity(item: PlanItem, quantity: Fraction, currency: str) -> str:
    if item.kind is ItemKind.FLAT and quantity == ONE:
        return ""
    if item.kind is not ItemKind.SEAT:
        return f"the quantity of {item.code!r} is not the subscriber's to choose"
    if quantity < item.min_quantity:
        return f"{item.code!r} is sold from {item.min_quantity} on"
    if item.max_quantity is not None and quantity > item.max_quantity:
        return f"{item.code!r} is sold up to {item.max_quantity}"
    return _unpriced(item.price, quantity, currency)


def _misfit(definition: PlanItem, price: Price, currency: str) -> str:
    if definition.kind is ItemKind.METERED:
        return "" if not isinstance(price.model, Flat) else f"{definition.code!r} is metered: it has no flat price"
    if definition.kind is ItemKind.FLAT and not isinstance(price.model, Flat):
        return f"{definition.code!r} is a flat item and has a flat price"
    if definition.kind is ItemKind.SEAT and price_to_object(price)["model"] not in SEAT_MODELS:
        return f"{definition.code!r} is sold by seats and has a price per seat"
    if price.measure is not Measure.QUANTITY:
        return f"{definition.code!r} has no events: a commitment by window belongs to metered items"
    return _unpriced(price, ONE, currency)


def _unpriced(price: Price, quantity: Fraction, currency: str) -> str:
    try:
        rate_price(price, quantity, currency, at=_last_rate(price))
    except DomainError as error:
        return error.message
    return ""


def _last_rate(price: Price) -> datetime | None:
    unit = price.adjustments.unit
    return unit.rates[-1].start if unit and unit.rates else None
