"""What the whole usage of a period costs under a price, step by step, in exact numbers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

from billing_kernel.period import Period

from billing_pricing.adjustments import Commitment, Window
from billing_pricing.price import Price, amount_of, without_free_units
from billing_pricing.usage import ZERO, Event, Usage, events_of, invalid_usage

WINDOWS_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a period, and how it was found: Share(Fraction(16, 31), "of the period, by days")."""

    value: Fraction
    label: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What a price is applied under: see rate_price()."""

    price: Price
    currency: str
    share: Share | None
    limits_share: Share | None
    unit_rate: Fraction
    period: Period | None


@dataclass(frozen=True, slots=True)
class Part:
    """The usage of one window, or of the whole period (`window` None): its `amount` in money, and what the commitment
    made of it."""

    window: datetime | None
    usage: Usage
    trace: Any
    amount: Fraction
    charged: Fraction


@dataclass(frozen=True, slots=True)
class Total:
    """What `given` costs in all: each step in major units, `exact` last. `used` is what is left of it after free units.

    `committed` is the commitment of each part, None without one.
    """

    terms: Terms
    given: Usage
    used: Usage
    parts: tuple[Part, ...]
    committed: Fraction | None
    charged: Fraction
    discounted: Fraction
    capped: Fraction
    filled: Fraction
    exact: Fraction


def total_of(terms: Terms, usage: Usage, *, final: bool) -> Total:
    """`usage` is all of the period's so far; minimum and true-up are due when it is `final`.

    Raises NoMatrixCell, InvalidUsage.
    """
    used = without_free_units(terms.price, usage)
    committed = _committed(terms)
    parts = tuple(_parts(terms, used, committed, final))
    charged = sum((part.charged for part in parts), ZERO)
    discounted, capped = _reduced(terms, charged)
    reduced = discounted if terms.price.adjustments.discount_after_maximum else capped
    least = limit(terms, terms.price.adjustments.minimum)
    filled = reduced if least is None or not final else max(reduced, least)
    exact = filled if terms.share is None else filled * terms.share.value
    return Total(terms, usage, used, parts, committed, charged, discounted, capped, filled, exact)


def limit(terms: Terms, amount: Fraction | None) -> Fraction | None:
    """A minimum or maximum for the part of the period that it holds for."""
    return amount if amount is None or terms.limits_share is None else amount * terms.limits_share.value


def _reduced(terms: Terms, charged: Fraction) -> tuple[Fraction, Fraction]:
    """What is left after the discount, and after the maximum; the later of them is after both."""
    adjustments = terms.price.adjustments
    most, left = limit(terms, adjustments.maximum), (100 - adjustments.discount_percent) / 100
    if adjustments.discount_after_maximum:
        capped = charged if most is None else min(charged, most)
        return capped * left, capped
    discounted = charged * left
    return discounted, discounted if most is None else min(discounted, most)


def _committed(terms: Terms) -> Fraction | None:
    """What is committed in each part. A commitment by window is whole in every window."""
    commitment = terms.price.adjustments.commitment
    if commitment is None:
        return None
    amount = commitment.amount
    if commitment.quantity is not None:
        amount = amount_of(terms.price.model, commitment.quantity)[0] * terms.unit_rate
    return amount if terms.price.is_windowed else limit(terms, amount)


def _parts(terms: Terms, used: Usage, committed: Fraction | None, final: bool) -> Iterator[Part]:
    commitment = terms.price.adjustments.commitment
    for window, usage in _windows(terms, used, final):
        amount, trace = amount_of(terms.price.model, usage)
        money = amount * terms.unit_rate
        charged = money if commitment is None else _charged(commitment, committed or ZERO, money, final)
        yield Part(window, usage, trace, money, charged)


def _charged(commitment: Commitment, committed: Fraction, amount: Fraction, final: bool) -> Fraction:
    if amount > committed:
        return committed + (amount - committed) * commitment.overage_factor
    return committed if commitment.true_up and final else amount


def _windows(terms: Terms, used: Usage, final: bool) -> Iterator[tuple[datetime | None, Usage]]:
    """The usage by window, in order; empty windows of the period too, where they are filled up."""
    commitment = terms.price.adjustments.commitment
    if commitment is None or not terms.price.is_windowed:
        yield None, used
        return
    found: dict[datetime, list[Event]] = {}
    if commitment.true_up and final and terms.period is not None:
        found = {start: [] for start in _starts(commitment.window, terms.period)}
    for event in events_of(used):
        assert event.at is not None, "rate_price has looked"
        found.setdefault(window_start(commitment.window, event.at), []).append(event)
    for start in sorted(found):
        yield start, tuple(found[start])


def window_start(window: Window, at: datetime) -> datetime:
    """The beginning of the window that holds `at`, in UTC."""
    hour = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    if window is Window.HOUR:
        return hour
    day = hour.replace(hour=0)
    return day if window is Window.DAY else day.replace(day=1)


def _starts(window: Window, period: Period) -> Sequence[datetime]:
    starts, start = [], window_start(window, period.start)
    while start < period.end:
        starts.append(start)
        # 40 days reach into the next month from any first day, and never beyond it.
        step = {Window.HOUR: timedelta(hours=1), Window.DAY: timedelta(days=1)}.get(window, timedelta(days=40))
        start = window_start(window, start + step)
        if len(starts) > WINDOWS_MAX:
            raise invalid_usage("period", f"has more than {WINDOWS_MAX} windows", "windows.count")
    return starts
