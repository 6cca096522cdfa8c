"""When the next automatic attempt is due: each delay is counted from the attempt before it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

DELAYS_MAX = 20
DAYS_MAX = 365
NONE = "none"


@dataclass(frozen=True, slots=True)
class RetrySchedule:
    """`delays[n]` follows the n-th failed attempt; behind the last one the payment is given up."""

    delays: tuple[timedelta, ...]

    def next_attempt_at(self, failures: int, previous: datetime) -> datetime | None:
        """When the attempt after `failures` failed ones is due, the last of them made at `previous`."""
        return previous + self.delays[failures - 1] if 1 <= failures <= len(self.delays) else None

    @property
    def shortest(self) -> timedelta | None:
        """No failed attempt leads to another one sooner than this; None when there are no retries."""
        return min(self.delays, default=None)


def parse_schedule(days: Sequence[str]) -> RetrySchedule:
    """ "3", "5" -> three days after the first failure, five days after the next; "none" alone -> no retries.

    Raises ValueError for more than 20 delays or a delay that is not 1 to 365 whole days.
    """
    if list(days) == [NONE]:
        return RetrySchedule(())
    if not 1 <= len(days) <= DELAYS_MAX or not all(map(_is_day_count, days)):
        raise ValueError(f"at most {DELAYS_MAX} delays of 1 to {DAYS_MAX} days each, or {NONE!r}")
    return RetrySchedule(tuple(timedelta(days=int(count)) for count in days))


def _is_day_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= DAYS_MAX
