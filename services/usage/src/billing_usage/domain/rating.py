"""Rating: what was counted of a metered item in a period becomes a quantity, an amount and its explanation."""

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from uuid import UUID

from billing_kernel.decimals import format_decimal
from billing_kernel.money import AmountOverflow, ExactAmount, Money
from billing_kernel.period import Period
from billing_pricing.rating import rate

from billing_usage.domain.errors import Refusal
from billing_usage.domain.meter import Aggregation
from billing_usage.domain.subscription import Price

ITEMS_MAX = 5000
DIGITS_MAX = 40  # of numerator and denominator of an exact amount
_EXACT_BELOW = 10**DIGITS_MAX


@dataclass(frozen=True, slots=True)
class Totals:
    """What the events of one item in one period add up to; zeros without events."""

    event_count: int
    sum: Fraction
    max: Fraction


@dataclass(frozen=True, slots=True)
class Charge:
    """One metered charge to rate. `subscription_version` is the one that the caller knows."""

    charge_id: UUID
    item_id: UUID
    subscription_version: int
    price_id: UUID
    period: Period


@dataclass(frozen=True, slots=True)
class Usage:
    """Quantity and amount of one item in one period, with the explanation as canonical JSON."""

    quantity: Fraction
    event_count: int
    exact: ExactAmount
    amount: Money
    explanation: str


@dataclass(frozen=True, slots=True)
class Rating:
    """A rated charge. With a `rating_id` it is frozen: the charge answers it for ever, whatever arrives later."""

    charge_id: UUID
    item_id: UUID
    price_id: UUID
    meter_code: str
    period: Period
    usage: Usage
    rating_id: UUID | None


Answer = Rating | Refusal


def quantity_of(totals: Totals, aggregation: Aggregation) -> Fraction:
    """The quantity that a meter makes of its events."""
    match aggregation:
        case Aggregation.COUNT:
            return Fraction(totals.event_count)
        case Aggregation.SUM:
            return totals.sum
        case Aggregation.MAX:
            return totals.max


def rate_usage(price: Price, aggregation: Aggregation, totals: Totals, period: Period) -> Usage:
    """Rates one item; the same code answers GetUsage and invoices. Raises AmountOverflow, UnknownCurrency."""
    quantity = quantity_of(totals, aggregation)
    rated = rate(price.model, quantity, price.currency)
    exact = rated.exact
    if max(abs(exact.value.numerator), exact.value.denominator) >= _EXACT_BELOW:
        raise AmountOverflow(f"the exact amount needs more than {DIGITS_MAX} digits", facts={"meter": price.meter_code})
    references = {
        "meter": price.meter_code,
        "aggregation": aggregation.value,
        "event_count": str(totals.event_count),
        "quantity": format_decimal(quantity),
        "period_start": _utc(period.start),
        "period_end": _utc(period.end),
    }
    return Usage(quantity, totals.event_count, exact, rated.rounded, rated.explanation_json(references))


def refused_before_counting(
    charge: Charge, version: int | None, price: Price | None, aggregation: Aggregation | None, *, metered: bool
) -> Refusal | None:
    """Why a charge cannot be rated. `version` is that of this service's copy, None when it has none."""
    if version is None or version < charge.subscription_version:
        return Refusal("NOT_CAUGHT_UP", "the copy of the subscription is older than the version named; try again")
    if not metered:
        return Refusal("SUBSCRIPTION_ITEM_NOT_FOUND", "the subscription item is not metered", "subscription_item_id")
    if price is None:
        return Refusal("PRICE_NOT_FOUND", "no metered plan item has this price", "price_id")
    if aggregation is None:
        return Refusal("UNKNOWN_METER", f"no meter has the code {price.meter_code}", "price_id")
    return None


def same_charge(rating: Rating, charge: Charge) -> bool:
    """Whether a rating is the answer to `charge`: its id is minted from item and period, so anything else is a mistake
    of the caller."""
    return rating.item_id == charge.item_id and rating.period == charge.period


def _utc(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")
