"""What part of a price a part of a period costs. One rule for every system's answer: a basis and a denominator.

Basis: what is counted. Denominator: what it is divided by. A whole interval is exactly 1 under every rule.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction

from billing_kernel.cycle import Cycle
from billing_kernel.errors import DomainError, Kind, Violation
from billing_kernel.period import Interval, Period, local_day, midnight, utc

_TICK = timedelta(microseconds=1)
_DAY_TICKS = timedelta(days=1) // _TICK
_NOMINAL_MONTHS = {1: 30, 3: 91, 6: 182}
NOMINAL_DAYS_MAX = 366 * 1200
ONE = Fraction(1)


class Basis(StrEnum):
    NONE = "NONE"  # an interval that is touched is charged whole
    BY_SECONDS = "BY_SECONDS"  # real time, to the microsecond
    BY_DAYS = "BY_DAYS"  # local days, the end day not counted
    BY_DAYS_INCLUSIVE = "BY_DAYS_INCLUSIVE"  # local days, the first and the last named day both counted


class Denominator(StrEnum):
    ACTUAL_PERIOD = "ACTUAL_PERIOD"  # the whole interval that the part lies in
    NOMINAL_DAYS = "NOMINAL_DAYS"  # a fixed number of days


class InvalidProration(DomainError):
    """A rule that contradicts itself."""

    kind = Kind.INVALID
    reason = "INVALID_PRORATION"


@dataclass(frozen=True, slots=True)
class Proration:
    """A rule of proration. `nominal_days` belongs to NOMINAL_DAYS; None takes those of the interval.

    Raises InvalidProration.
    """

    basis: Basis = Basis.BY_SECONDS
    denominator: Denominator = Denominator.ACTUAL_PERIOD
    nominal_days: int | None = None

    def __post_init__(self) -> None:
        if self.nominal_days is None:
            return
        if self.denominator is not Denominator.NOMINAL_DAYS:
            raise _invalid("is set, but the denominator is the actual period")
        if type(self.nominal_days) is not int or not 1 <= self.nominal_days <= NOMINAL_DAYS_MAX:
            raise _invalid(f"is a whole number from 1 to {NOMINAL_DAYS_MAX}")


def nominal_days(interval: Interval) -> int:
    """A day 1, a week 7, a month 30, 3 months 91, 6 months 182, a year (12 months) 365, other months 30 each."""
    count = interval.count
    if interval.unit in ("day", "week"):
        return count * (1 if interval.unit == "day" else 7)
    months = count * (12 if interval.unit == "year" else 1)
    return months // 12 * 365 if months % 12 == 0 else _NOMINAL_MONTHS.get(months, 30 * months)


def charged_share(span: Period, cycle: Cycle, rule: Proration) -> Fraction:
    """How many whole interval prices `span` costs: the sum over the intervals it touches; a long stub is more than 1.

    Basis NONE counts the intervals touched. Raises InvalidPeriod (beyond the calendar).
    """
    wholes, parts = 0, Fraction(0)
    for part, whole in cycle.wholes(span):
        if part is whole or rule.basis is Basis.NONE:
            wholes += 1
        else:
            parts += _part_share(part, whole, cycle, rule)
    return parts + wholes if parts else Fraction(wholes)


def unused_share(whole_span: Period, canceled_at: datetime, cycle: Cycle, rule: Proration) -> Fraction:
    """How many whole interval prices come back of what was charged for `whole_span` when it ends at `canceled_at`.

    BY_DAYS_INCLUSIVE: the day of the cancelation was used. NONE: an interval that was begun was used up. Before the
    start everything comes back, from the end on nothing. Raises InvalidPeriod.
    """
    canceled_at = utc(canceled_at)
    if canceled_at < whole_span.start:
        return charged_share(whole_span, cycle, rule)
    unused_from = _unused_from(canceled_at, cycle, rule)
    if unused_from >= whole_span.end:
        return Fraction(0)
    return charged_share(Period(unused_from, whole_span.end), cycle, rule)


def label(rule: Proration, interval: Interval) -> str:
    """The rule in words, for lines and explanations: "by days, over 30 nominal days"."""
    words = _WORDS[rule.basis]
    if rule.basis is Basis.NONE or rule.denominator is Denominator.ACTUAL_PERIOD:
        return words
    days = rule.nominal_days or nominal_days(interval)
    return f"{words}, over {days} nominal {'day' if days == 1 else 'days'}"


_WORDS = {
    Basis.NONE: "not prorated",
    Basis.BY_SECONDS: "by seconds",
    Basis.BY_DAYS: "by days",
    Basis.BY_DAYS_INCLUSIVE: "by days, both counted",
}
assert set(_WORDS) == set(Basis)


def _part_share(part: Period, whole: Period, cycle: Cycle, rule: Proration) -> Fraction:
    counted = _counted(part, whole, cycle.zone, rule.basis)
    if rule.denominator is Denominator.NOMINAL_DAYS:
        days = rule.nominal_days or nominal_days(cycle.interval)
        unit = _DAY_TICKS if rule.basis is Basis.BY_SECONDS else 1
        return min(Fraction(counted, days * unit), ONE)
    whole_counted = _counted(whole, whole, cycle.zone, rule.basis)
    if whole_counted == 0:  # an interval inside one day has no day to count: where a zone skips a day
        return Fraction(part.microseconds, whole.microseconds)
    return Fraction(counted, whole_counted)


def _counted(part: Period, whole: Period, zone: str, basis: Basis) -> int:
    """What the basis counts in `part`: microseconds or days."""
    if basis is Basis.BY_SECONDS:
        return part.microseconds
    first = local_day(part.start, zone)
    if basis is Basis.BY_DAYS:
        return (local_day(part.end, zone) - first).days
    # The day of a boundary belongs to the interval that begins there, whatever the time of day.
    end = min(local_day(part.end - _TICK, zone) + timedelta(days=1), local_day(whole.end, zone))
    return max((end - first).days, 0)


def _unused_from(canceled_at: datetime, cycle: Cycle, rule: Proration) -> datetime:
    if rule.basis is Basis.BY_DAYS_INCLUSIVE:
        return midnight(local_day(canceled_at, cycle.zone) + timedelta(days=1), cycle.zone)
    if rule.basis is Basis.NONE:
        (_, whole), *_ = cycle.wholes(Period(canceled_at, canceled_at + _TICK))
        return canceled_at if canceled_at == whole.start else whole.end
    return canceled_at


def _invalid(rule: str) -> InvalidProration:
    return InvalidProration(f"nominal_days {rule}", violations=[Violation("nominal_days", rule)])
