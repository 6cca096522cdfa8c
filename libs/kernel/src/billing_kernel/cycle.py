"""The billing periods of one agreement: a grid of boundaries, a start somewhere on it, a rule for what lies between.

The grid is billing_kernel.period: boundary k of (anchor, zone, interval), k of either sign. A start off the grid makes
a first stub: SHORT ends at the next boundary, LONG at the one behind it, NONE leaves the time up to the next one free.
"""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from billing_kernel import period as grid
from billing_kernel.errors import DomainError, Kind, Violation
from billing_kernel.period import Interval, InvalidPeriod, Period, local_day, midnight, utc, zone_of

_STEPS_BACK = 13  # every month that a grid of months meets, and a leap year for a grid of years


class FirstStub(StrEnum):
    SHORT = "SHORT"  # a period of its own, up to the next boundary
    LONG = "LONG"  # one period with the whole one behind it
    NONE = "NONE"  # free of charge; the first period begins at the next boundary


class InvalidAnchor(DomainError):
    """No such day or month, or an interval that has none."""

    kind = Kind.INVALID
    reason = "INVALID_ANCHOR"


@dataclass(frozen=True, slots=True)
class Cycle:
    """The periods of an agreement from `start` on, in order, without gap or overlap.

    `anchor` gives day, month and wall time of the boundaries; it may lie before or after `start`. Raises UnknownZone,
    InvalidPeriod (naive instants).
    """

    anchor: datetime
    zone: str
    interval: Interval
    start: datetime
    first_stub: FirstStub = FirstStub.SHORT
    _shift: int = field(init=False, repr=False, compare=False)  # period 0 ends where this interval of the grid does
    _off: bool = field(init=False, repr=False, compare=False)  # start lies between two boundaries

    def __post_init__(self) -> None:
        object.__setattr__(self, "anchor", utc(self.anchor))
        object.__setattr__(self, "start", utc(self.start))
        shift, off = 0, False
        if self.start == self.anchor:
            zone_of(self.zone)  # raises
        else:
            shift = grid.index_at(self.anchor, self.zone, self.interval, self.start)
            off = self._whole(shift).start != self.start
        object.__setattr__(self, "_shift", shift + (off and self.first_stub is not FirstStub.SHORT))
        object.__setattr__(self, "_off", off)

    def lead(self) -> Period | None:
        """What runs free of charge before period 0: only with FirstStub.NONE and a start off the grid."""
        if self._off and self.first_stub is FirstStub.NONE:
            return Period(self.start, self._whole(self._shift).start)
        return None

    def period(self, index: int) -> Period:
        """The period of this index; 0 is the first. Raises InvalidPeriod (below 0, beyond the calendar)."""
        if index < 0:
            raise InvalidPeriod(f"there is no period {index}: the first one is 0")
        whole = self._whole(index + self._shift)
        return Period(self.start, whole.end) if index == 0 and self._stub else whole

    def index_at(self, instant: datetime) -> int:
        """The index of the period that contains `instant`; -1 before the first one. Raises InvalidPeriod."""
        instant = utc(instant)
        if instant < self.start:
            return -1
        index = self._grid_index(instant) - self._shift
        return max(index, 0) if self._stub else index

    def wholes(self, span: Period) -> Iterator[tuple[Period, Period]]:
        """`span` cut at every boundary: each part, and the whole interval between two boundaries it lies in.

        A part that is a whole interval is that very object. Raises InvalidPeriod (beyond the calendar).
        """
        index, end = self._grid_index(span.start), span.start
        while end < span.end:
            whole = self._whole(index)
            start, end = max(whole.start, span.start), min(whole.end, span.end)
            yield (whole if start == whole.start and end == whole.end else Period(start, end)), whole
            index += 1

    @property
    def _stub(self) -> bool:
        return self._off and self.first_stub is not FirstStub.NONE

    def _whole(self, index: int) -> Period:
        return grid.period(self.anchor, self.zone, self.interval, index)

    def _grid_index(self, instant: datetime) -> int:
        return grid.index_at(self.anchor, self.zone, self.interval, instant)


def calendar_anchor(start: datetime, zone: str, interval: Interval) -> datetime:
    """The local midnight of a calendar boundary at or before `start`.

    Weeks begin on Monday, years on 1 January, n months in January and every n months behind it where n divides 12
    (quarters: January, April, July, October), else on the 1st; days at midnight. Raises UnknownZone, InvalidPeriod.
    """
    today = local_day(utc(start), zone)
    if interval.unit == "day":
        return _anchor(today, 1, zone, interval, today)
    if interval.unit == "week":
        return _anchor(today - timedelta(days=today.weekday()), 1, zone, interval, today)
    months = _months(interval)
    step = 12 if months % 12 == 0 else months if 12 % months == 0 else 1
    return _anchor(date(today.year, (today.month - 1) // step * step + 1, 1), 1, zone, interval, today)


def day_anchor(start: datetime, zone: str, interval: Interval, *, day: int, month: int | None = None) -> datetime:
    """A local midnight at or before `start` from which the boundaries fall on this day of the month.

    One boundary lies in the month of the start, or in `month` of its year (for years alone): quarters from 10 January
    with day 1 end on 1 April, with day 15 on 15 January. A month too short for the day uses its last one; the anchor
    lies in a month that has it, so that it is remembered. Raises InvalidAnchor, UnknownZone, InvalidPeriod.
    """
    _check(day, month, interval)
    today = local_day(utc(start), zone)
    nearest = _clamped(today.year * 12 + (month or today.month) - 1, day)
    return _anchor(nearest, day, zone, interval, today)


def _check(day: int, month: int | None, interval: Interval) -> None:
    if interval.unit not in ("month", "year"):
        raise _invalid("day", f"an interval of {interval.unit}s has no day of the month")
    if not 1 <= day <= 31:
        raise _invalid("day", "is a day of the month, 1 to 31")
    if month is not None and _months(interval) % 12:
        raise _invalid("month", "is for an interval of years")
    if month is not None and not 1 <= month <= 12:
        raise _invalid("month", "is 1 to 12")


def _anchor(nearest: date, day: int, zone: str, interval: Interval, today: date) -> datetime:
    """The latest boundary of the grid through `nearest`, up to `today`, that has the day and a midnight that exists."""
    met = [found for found in _boundaries(nearest, day, interval) if found <= today]
    if not met:
        raise InvalidPeriod(f"no boundary before {today} lies in the calendar")
    if interval.unit in ("day", "week"):
        return midnight(max(met, key=lambda found: _has_midnight(found, zone)), zone)
    return midnight(max(met, key=lambda found: (found.day, _has_midnight(found, zone))), zone)


def _boundaries(nearest: date, day: int, interval: Interval) -> Iterator[date]:
    """`nearest` and the boundaries before it, latest first, as far as the calendar goes."""
    for back in range(_STEPS_BACK + 1):
        if interval.unit in ("month", "year"):
            month = nearest.year * 12 + nearest.month - 1 - back * _months(interval)
            if month < 12:
                return
            yield _clamped(month, day)
        else:
            days = interval.count * (1 if interval.unit == "day" else 7) * back
            if days >= nearest.toordinal():
                return
            yield nearest - timedelta(days=days)


def _has_midnight(day: date, zone: str) -> bool:
    return midnight(day, zone).astimezone(zone_of(zone)).time() == time()


def _clamped(month: int, day: int) -> date:
    """The day in the month, counted from year 0; the last one where it is too short."""
    year, index = divmod(month, 12)
    return date(year, index + 1, min(day, monthrange(year, index + 1)[1]))


def _months(interval: Interval) -> int:
    return interval.count * (12 if interval.unit == "year" else 1)


def _invalid(field_name: str, rule: str) -> InvalidAnchor:
    return InvalidAnchor(f"{field_name} {rule}", violations=[Violation(field_name, rule)])
