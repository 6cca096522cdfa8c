"""What is done to the amount of a model: free units, pricing unit, commitment, discount, maximum, minimum, rounding."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise

from billing_kernel.errors import DomainError, Kind, Violation
from billing_kernel.rounding import Rounding

from billing_pricing.tiers import amount_violations, quantity_violations
from billing_pricing.usage import ONE, ZERO

PLACES_MAX = 12
RATES_MAX = 100
CODE_MAX = 64


class NoPricingUnitRate(DomainError):
    """The pricing unit has no rate at that instant, or no instant was given and it has several."""

    kind = Kind.PRECONDITION
    reason = "NO_PRICING_UNIT_RATE"


class Window(StrEnum):
    """The span to which a commitment counts anew, cut in UTC."""

    PERIOD = "PERIOD"  # the whole billing period
    HOUR = "HOUR"
    DAY = "DAY"
    MONTH = "MONTH"


@dataclass(frozen=True, slots=True)
class RoundingPolicy:
    """`places` None: those of the currency. With more places than the currency has, or `deferred`, a line keeps its
    exact amount and the document is rounded."""

    mode: Rounding = Rounding.HALF_UP
    places: int | None = None
    deferred: bool = False


@dataclass(frozen=True, slots=True)
class Commitment:
    """`amount` in major units, or a `quantity` that the model prices; one of the two, in each window.

    What lies beyond counts `overage_factor` times; with `true_up` less than the commitment is filled up to it.
    """

    amount: Fraction | None = None
    quantity: Fraction | None = None
    overage_factor: Fraction = ONE
    true_up: bool = False
    window: Window = Window.PERIOD


@dataclass(frozen=True, slots=True)
class DatedRate:
    """What one pricing unit is worth from an aware instant on, in major units."""

    start: datetime
    amount: Fraction


@dataclass(frozen=True, slots=True)
class PricingUnit:
    """A unit that is not money, such as token; `rates` in ascending order of time."""

    code: str
    rates: tuple[DatedRate, ...]

    def rate_at(self, at: datetime | None) -> Fraction:
        """The rate at an instant; a single rate needs none. Raises NoPricingUnitRate."""
        if at is None and len(self.rates) == 1:
            return self.rates[0].amount
        known = [rate.amount for rate in self.rates if at is not None and rate.start <= at]
        if not known:
            when = "without an instant" if at is None else f"at {at.isoformat()}"
            raise NoPricingUnitRate(f"{self.code} has no rate {when}", facts={"pricing_unit": self.code})
        return known[-1]


@dataclass(frozen=True, slots=True)
class Adjustments:
    """In this order: free units off the usage, then the model, the pricing unit, the commitment, discount and maximum
    (or maximum and discount), and last the minimum. Amounts in major units."""

    free_units: Fraction = ZERO
    minimum: Fraction | None = None
    maximum: Fraction | None = None
    discount_percent: Fraction = ZERO
    discount_after_maximum: bool = False
    commitment: Commitment | None = None
    unit: PricingUnit | None = None
    rounding: RoundingPolicy = field(default_factory=RoundingPolicy)


def adjustment_violations(adjustments: Adjustments) -> list[Violation]:
    """Everything wrong with them, by the field names of their JSON."""
    found = quantity_violations("adjustments.free_units", adjustments.free_units)
    found += _optional("adjustments.minimum_amount", adjustments.minimum)
    found += _optional("adjustments.maximum_amount", adjustments.maximum)
    found += amount_violations("adjustments.discount_percent", adjustments.discount_percent)
    if adjustments.discount_percent > 100:
        found.append(Violation("adjustments.discount_percent", "must not exceed 100", "number.range"))
    least, most = adjustments.minimum, adjustments.maximum
    if not found and least is not None and most is not None and least > most:
        found.append(Violation("adjustments.minimum_amount", "must not exceed maximum_amount", "range.empty"))
    if adjustments.commitment is not None:
        found += _commitment_violations(adjustments.commitment)
    if adjustments.unit is not None:
        found += _unit_violations(adjustments.unit)
    return found + _rounding_violations(adjustments.rounding)


def _commitment_violations(commitment: Commitment) -> list[Violation]:
    path = "adjustments.commitment"
    found = amount_violations(f"{path}.overage_factor", commitment.overage_factor)
    if (commitment.amount is None) == (commitment.quantity is None):
        found.append(Violation(path, "needs either an amount or a quantity", "commitment.one_of"))
    if commitment.quantity is not None:
        found += quantity_violations(f"{path}.quantity", commitment.quantity)
    return found + _optional(f"{path}.amount", commitment.amount)


def _unit_violations(unit: PricingUnit) -> list[Violation]:
    path = "adjustments.pricing_unit"
    found = []
    if not 1 <= len(unit.code) <= CODE_MAX:
        found.append(Violation(f"{path}.code", f"needs 1 to {CODE_MAX} characters", "text.length"))
    if not 1 <= len(unit.rates) <= RATES_MAX:
        found.append(Violation(f"{path}.rates", f"needs 1 to {RATES_MAX} rates", "rates.count"))
    for index, rate in enumerate(unit.rates):
        found += amount_violations(f"{path}.rates[{index}].amount", rate.amount)
    for index, (before, after) in enumerate(pairwise(unit.rates), 1):
        if after.start <= before.start:
            name = f"{path}.rates[{index}].from_time"
            found.append(Violation(name, "must be later than the one before", "rates.ascending"))
    return found


def _rounding_violations(policy: RoundingPolicy) -> list[Violation]:
    if policy.places is None or 0 <= policy.places <= PLACES_MAX:
        return []
    return [Violation("adjustments.rounding.places", f"must be 0 to {PLACES_MAX}", "number.range")]


def _optional(name: str, amount: Fraction | None) -> list[Violation]:
    return [] if amount is None else amount_violations(name, amount)
