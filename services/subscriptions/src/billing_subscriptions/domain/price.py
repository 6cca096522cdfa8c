"""Prices by their own id, and what a price makes of a usage before anybody is billed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from uuid import UUID

from billing_kernel.errors import Violation
from billing_kernel.period import Period
from billing_pricing import (
    Event,
    InvalidPriceModel,
    InvalidUsage,
    Measure,
    Price,
    RatedPrice,
    Share,
    Usage,
    price_from_json,
    rate_price,
)

from billing_subscriptions.domain.errors import InvalidPrice
from billing_subscriptions.domain.plan_item import JsonPrice, PlanItem, check_currency, field_of

ONE, ZERO = Fraction(1), Fraction(0)


@dataclass(frozen=True, slots=True)
class SoldPrice:
    """A price with its item, in the price's currency; one of the versions owns it."""

    id: UUID
    currency: str
    item: PlanItem
    plan_version_id: UUID | None
    add_on_version_id: UUID | None

    @property
    def price(self) -> Price:
        return self.item.price


@dataclass(frozen=True, slots=True)
class UsedEvent:
    """An event as it is asked for; `weight` None: what is left of the period at its time."""

    value: Fraction
    at: datetime | None = None
    dimensions: Mapping[str, str] | None = None
    weight: Fraction | None = None


Used = Fraction | Sequence[UsedEvent]


@dataclass(frozen=True, slots=True)
class Question:
    """What would this usage cost? `billed` None: nothing was billed before. Shares prorate (see rate_price)."""

    usage: Used = ZERO
    billed: Used | None = None
    period: Period | None = None
    share: Fraction | None = None
    limits_share: Fraction | None = None
    at: datetime | None = None
    final: bool = True


def written_price(found: JsonPrice, currency: str) -> Price:
    """A price from its JSON object. Raises InvalidPrice, UnknownCurrency, which name their fields."""
    check_currency("currency_code", currency)
    try:
        return price_from_json(found)
    except InvalidPriceModel as error:
        broken = [
            Violation(f"price.{field_of(found, each.field)}", each.description, each.rule) for each in error.violations
        ]
        raise InvalidPrice(error.message, violations=broken) from error


def preview(price: Price, currency: str, question: Question, *, now: datetime) -> RatedPrice:
    """The answer, by the code that bills.

    Raises AmountOverflow, InvalidUsage, NoMatrixCell, NoPricingUnitRate.
    """
    _check_shares(question)
    at = question.at or (question.period.end if question.period else now)
    return rate_price(
        price,
        _usage(price, question.usage, question.period),
        currency,
        billed=None if question.billed is None else _usage(price, question.billed, question.period),
        share=_share(question.share),
        limits_share=_share(question.limits_share),
        at=at,
        final=question.final,
        period=question.period,
    )


def references(price_id: str, question: Question) -> Mapping[str, str]:
    """Where the facts of an answer come from, for its explanation."""
    found = {"price": price_id} if price_id else {}
    if question.period is not None:
        found["period"] = f"{question.period.start.isoformat()}/{question.period.end.isoformat()}"
    return found


def _share(value: Fraction | None) -> Share | None:
    return None if value is None else Share(value, "of the period")


def _check_shares(question: Question) -> None:
    for name, value in (("share", question.share), ("limits_share", question.limits_share)):
        if value is not None and value < 0:
            violation = Violation(name, "is not negative", "share.negative")
            raise InvalidUsage(f"{name} is not negative", violations=[violation])


def _usage(price: Price, used: Used, period: Period | None) -> Usage:
    if isinstance(used, Fraction):
        return used
    weighted = price.measure is Measure.WEIGHTED
    return tuple(
        Event(each.value, each.at, each.dimensions or {}, _weight(each, period) if weighted else ONE) for each in used
    )


def _weight(event: UsedEvent, period: Period | None) -> Fraction:
    if event.weight is not None:
        return event.weight
    if event.at is None or period is None:
        return ONE
    if event.at >= period.end:
        return ZERO
    left = replace(period, start=max(event.at, period.start))
    return Fraction(left.microseconds, period.microseconds)
