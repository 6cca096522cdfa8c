"""Billing periods: one pure function from (anchor, zone, interval, k) to UTC instants.

Boundaries are local wall times. Boundary k lies k intervals after the anchor's local date, at the anchor's local time:
- the anchor's day is remembered: 31 January, 28 February, 31 March; 29 February comes back in leap years;
- a wall time that a clock change skips is moved forward by the gap (02:30 becomes 03:30);
- a wall time that happens twice means the first one. Boundary 0 is always the anchor itself, even the second one;
- where a zone skips a whole day (Apia, 30 December 2011) a boundary inside it moves by half the gap, so that no period
  is ever empty.
Period k is [boundary k, boundary k + 1): periods of consecutive k never gap and never overlap. k may be negative.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from fractions import Fraction
from functools import lru_cache
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from billing_kernel.errors import DomainError, Kind

Unit = Literal["day", "week", "month", "year"]
UNITS: tuple[str, ...] = get_args(Unit)
COUNT_MAX = 1200
_DAYS = {"day": 1, "week": 7}
_MONTHS = {"month": 1, "year": 12}
assert _DAYS.keys() | _MONTHS.keys() == set(UNITS)
_DAY = timedelta(days=1)
_TICK = timedelta(microseconds=1)
# Keys that mean another thing on another machine, or count leap seconds.
_UNPORTABLE = ("localtime", "posixrules", "Factory", "right/", "posix/")


class UnknownZone(DomainError):
    """No such IANA time zone."""

    kind = Kind.INVALID
    reason = "UNKNOWN_ZONE"


class InvalidInterval(DomainError):
    """Not a number of days, weeks, months or years."""

    kind = Kind.INVALID
    reason = "INVALID_INTERVAL"


class InvalidPeriod(DomainError):
    """Ends before it starts, or lies outside of another."""

    kind = Kind.INVALID
    reason = "INVALID_PERIOD"


@dataclass(frozen=True, slots=True)
class Interval:
    """`count` units: Interval("month", 3) is a quarter. Raises InvalidInterval."""

    unit: Unit
    count: int = 1

    def __post_init__(self) -> None:
        if self.unit not in UNITS:
            raise InvalidInterval(f"{self.unit!r} is none of {', '.join(UNITS)}")
        if type(self.count) is not int or not 1 <= self.count <= COUNT_MAX:
            raise InvalidInterval(f"an interval counts 1 to {COUNT_MAX} units")


@dataclass(frozen=True, slots=True)
class Period:
    """Half-open [start, end) in UTC, end later than start. Aware datetimes of other zones are converted.

    Raises InvalidPeriod.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is not UTC or self.end.tzinfo is not UTC:
            object.__setattr__(self, "start", utc(self.start))
            object.__setattr__(self, "end", utc(self.end))
        if self.end <= self.start:
            raise InvalidPeriod(f"{self} ends before it starts or is empty")

    def __contains__(self, instant: datetime) -> bool:
        return self.start <= instant < self.end

    @property
    def seconds(self) -> Fraction:
        return Fraction(self.microseconds, 1_000_000)

    @property
    def microseconds(self) -> int:
        return (self.end - self.start) // _TICK

    def __str__(self) -> str:
        return f"[{self.start.isoformat()}, {self.end.isoformat()})"


def period(anchor: datetime, zone: str, interval: Interval, k: int) -> Period:
    """The k-th period; k = 0 starts at `anchor`. Raises UnknownZone, InvalidPeriod (naive anchor, beyond year 9999)."""
    anchor, local_zone = utc(anchor), zone_of(zone)
    try:
        return Period(_boundary(anchor, local_zone, interval, k), _boundary(anchor, local_zone, interval, k + 1))
    except (OverflowError, ValueError) as error:
        raise InvalidPeriod(f"period {k} lies outside the calendar") from error


def index_at(anchor: datetime, zone: str, interval: Interval, instant: datetime) -> int:
    """The k whose period contains `instant`: the inverse of period(). Raises UnknownZone, InvalidPeriod."""
    anchor, instant, local_zone = utc(anchor), utc(instant), zone_of(zone)
    try:
        k = _estimate(anchor.astimezone(local_zone).date(), instant.astimezone(local_zone).date(), interval)
        while _boundary(anchor, local_zone, interval, k) > instant:
            k -= 1
        while _boundary(anchor, local_zone, interval, k + 1) <= instant:
            k += 1
    except (OverflowError, ValueError) as error:
        raise InvalidPeriod(f"{instant.isoformat()} lies too near the end of the calendar") from error
    return k


def share(part: Period, whole: Period) -> Fraction:
    """How much of `whole` is `part`, by time, exactly. Raises InvalidPeriod unless `part` lies inside."""
    if part.start < whole.start or part.end > whole.end:
        raise InvalidPeriod(f"{part} does not lie inside {whole}")
    return Fraction(part.microseconds, whole.microseconds)


def local_day(instant: datetime, zone: str) -> date:
    """The local day that `instant` lies in; it begins at its first midnight and never comes back.

    Where clocks go back over midnight, the hour that is repeated belongs to the later day. Raises UnknownZone.
    """
    local_zone = zone_of(zone)
    wall = instant.astimezone(local_zone)
    day = wall.date()
    return day + _DAY if wall.fold and midnight(day + _DAY, zone) <= instant else day


def midnight(day: date, zone: str) -> datetime:
    """The instant at which a local day begins. A midnight that clocks skip moves forward. Raises UnknownZone."""
    return datetime.combine(day, time(), zone_of(zone)).astimezone(UTC)


@lru_cache(maxsize=1024)
def zone_of(key: str) -> tzinfo:
    """The zone of an IANA key such as "Europe/Berlin". Raises UnknownZone."""
    if key == "UTC":
        return UTC
    try:
        if key.startswith(_UNPORTABLE):
            raise ValueError(key)
        return ZoneInfo(key)
    except (LookupError, ValueError, OSError) as error:
        raise UnknownZone(f"{key[:64]!r} is not an IANA time zone", facts={"zone": key[:64]}) from error


def utc(instant: datetime) -> datetime:
    """The same instant in UTC. Raises InvalidPeriod for a naive time."""
    if instant.tzinfo is UTC:
        return instant
    if instant.utcoffset() is None:
        raise InvalidPeriod("an instant needs a zone; naive times are refused")
    return instant.astimezone(UTC)


@lru_cache(maxsize=8192)  # a period that was just made is looked up again for its share
def _boundary(anchor: datetime, zone: tzinfo, interval: Interval, k: int) -> datetime:
    if k == 0:
        return anchor
    wall = anchor.astimezone(zone)
    day = _advance(wall.date(), interval, k)
    return _instant(datetime.combine(day, wall.time()), zone)  # time() drops the zone and keeps no fold


def _advance(day: date, interval: Interval, k: int) -> date:
    if interval.unit in _DAYS:
        return day + timedelta(days=_DAYS[interval.unit] * interval.count * k)
    months = day.year * 12 + day.month - 1 + _MONTHS[interval.unit] * interval.count * k
    year, month = months // 12, months % 12 + 1
    return date(year, month, day.day if day.day <= 28 else min(day.day, monthrange(year, month)[1]))


def _instant(wall: datetime, zone: tzinfo) -> datetime:
    # fold=0 reads a skipped time with the offset before the gap (moved forward) and a repeated one as the first.
    local = wall.replace(tzinfo=zone, fold=0)
    if zone is UTC:
        return local
    instant = local.astimezone(UTC)
    gap = (local.replace(fold=1).utcoffset() or timedelta()) - (local.utcoffset() or timedelta())
    return instant - gap / 2 if gap >= _DAY else instant


def _estimate(first: date, day: date, interval: Interval) -> int:
    if interval.unit in _DAYS:
        return (day - first).days // (_DAYS[interval.unit] * interval.count)
    return ((day.year - first.year) * 12 + day.month - first.month) // (_MONTHS[interval.unit] * interval.count)
