"""Rating: what was measured of an item in a period becomes an amount with its explanation."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from functools import lru_cache, partial
from uuid import UUID

from billing_kernel.currencies import exponent
from billing_kernel.decimals import format_decimal
from billing_kernel.ids import encode
from billing_kernel.money import AmountOverflow, ExactAmount, Money
from billing_kernel.period import Period
from billing_pricing import Explanation, RatedPrice, Share, rate_price
from billing_pricing import Usage as Measurement
from billing_pricing.nodes import Node, Subtract

from billing_usage.domain.errors import Refusal
from billing_usage.domain.measuring import Measured, Scope, quantity_of
from billing_usage.domain.meter import Aggregation
from billing_usage.domain.subscription import Price

ITEMS_MAX = 5000
DIGITS_MAX = 40  # of numerator and denominator of an exact amount
_price_text = lru_cache(maxsize=4096)(partial(encode, "price"))
LIMITS = "of a billing period"
_EXACT_BELOW = 10**DIGITS_MAX


@dataclass(frozen=True, slots=True)
class Charge:
    """One metered charge to rate. `subscription_version` is the one that the caller knows."""

    charge_id: UUID
    item_id: UUID
    subscription_version: int
    price_id: UUID
    scope: Scope

    @property
    def period(self) -> Period:
        return self.scope.period


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


def rate_usage(price: Price, aggregation: Aggregation, measured: Measured, scope: Scope) -> Usage:
    """Rates one item; the same code answers GetUsage and invoices. Where tiers go on from an earlier window, the answer
    is what all from its beginning costs less what was billed before, so that windows add up. A pricing unit is worth
    what it was at that beginning.

    Raises AmountOverflow, UnknownCurrency, InvalidUsage, NoMatrixCell, NoPricingUnitRate.
    """
    quantity = quantity_of(measured.totals, aggregation)
    facts = _references(price, aggregation, measured.totals.event_count, quantity, scope)
    whole = _rated(price, measured.through, scope, scope.through)
    if measured.before is None or scope.before is None:
        exact, rounded, explanation = whole.exact, whole.rounded, whole.explanation_json(facts)
    else:
        slice_ = _less(whole, _rated(price, measured.before, scope, scope.before), facts)
        exact, rounded, explanation = slice_.exact, slice_.rounded, slice_.to_json()
    if max(abs(exact.value.numerator), exact.value.denominator) >= _EXACT_BELOW:
        raise AmountOverflow(f"the exact amount needs more than {DIGITS_MAX} digits", facts={"meter": price.meter_code})
    return Usage(quantity, measured.totals.event_count, exact, rounded, explanation)


def _rated(price: Price, usage: Measurement, scope: Scope, part: Period) -> RatedPrice:
    """What the usage of `part` costs, as it is billed."""
    share = scope.share_of(part)
    return rate_price(
        price.model,
        usage,
        price.currency,
        limits_share=None if share is None else Share(share, LIMITS),
        at=part.start,
        final=scope.final,
        period=part,
    )


def _less(whole: RatedPrice, billed: RatedPrice, facts: Mapping[str, str]) -> Explanation:
    """All so far less what was billed, each rounded as a line of its own is."""
    shown = whole.explanation()
    return Explanation(Subtract((_line(whole), _line(billed))), shown.currency, shown.rounding, facts, shown.places)


def _line(rated: RatedPrice) -> Node:
    keeps_more = (rated.policy.places or 0) > exponent(rated.currency)
    return rated.tree if rated.policy.deferred or keeps_more else rated.explanation().root


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


def _references(
    price: Price, aggregation: Aggregation, event_count: int, quantity: Fraction, scope: Scope
) -> Mapping[str, str]:
    """The facts behind an amount; the price by its id as the API shows it."""
    found = {
        "price": _price_text(price.price_id),
        "meter": price.meter_code,
        "aggregation": aggregation.value,
        "event_count": str(event_count),
        "quantity": format_decimal(quantity),
        "period_start": _utc(scope.period.start),
        "period_end": _utc(scope.period.end),
    }
    if scope.tiers_from is not None:
        found["tiers_from"] = _utc(scope.tiers_from)
    if scope.limits_share is not None:
        found["limits_share"] = f"{scope.limits_share.numerator}/{scope.limits_share.denominator}"
    return found


def _utc(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")
