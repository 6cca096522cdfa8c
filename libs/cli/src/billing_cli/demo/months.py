"""The demo's calendar: three whole months that are over, month by month in each customer's zone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from billing_cli.demo.cast import MONTHS, Customer

SIGN_UP_HOUR = 12  # noon UTC of the first day: the month has begun in every zone of the cast
RETRIES_DONE = timedelta(days=4)  # the second attempt of a declined card is three days after the first
BEFORE = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Calendar:
    """`first` is the first day of the first month."""

    first: date

    @property
    def opening(self) -> datetime:
        """When the test clock starts and customers sign up."""
        return datetime(self.first.year, self.first.month, 1, SIGN_UP_HOUR, tzinfo=UTC)

    @property
    def closing(self) -> datetime:
        """When the last invoices are paid."""
        last = _month(self.first, MONTHS)
        return datetime(last.year, last.month, 1, SIGN_UP_HOUR, tzinfo=UTC) + RETRIES_DONE

    def boundary(self, index: int, zone: str) -> datetime:
        """Local midnight at which month `index` begins, in UTC."""
        month = _month(self.first, index)
        return datetime(month.year, month.month, 1, tzinfo=ZoneInfo(zone)).astimezone(UTC)

    def moment(self, index: int, day: int, hour: int, zone: str) -> datetime:
        """A full hour of a day of month `index` by the clocks of a zone, in UTC."""
        month = _month(self.first, index)
        return datetime(month.year, month.month, day, hour, tzinfo=ZoneInfo(zone)).astimezone(UTC)

    def day_of(self, at: datetime, zone: str) -> int:
        """The day of the month of an instant by the clocks of a zone, from 1."""
        return at.astimezone(ZoneInfo(zone)).day

    def length_days(self, index: int) -> int:
        """How many days month `index` has."""
        return (_month(self.first, index + 1) - _month(self.first, index)).days

    def boundaries(self, customer: Customer) -> list[datetime]:
        """The starts of the months 0 to MONTHS."""
        return [self.boundary(index, customer.zone) for index in range(MONTHS + 1)]

    def stops(self, customers: Sequence[Customer]) -> list[datetime]:
        """Boundaries that bill usage, each once, in order: events before one are delivered before the clock passes."""
        return sorted({each for customer in customers for each in self.boundaries(customer)[1:]})


def latest(today: date) -> Calendar:
    """The latest three months that are over, with time for the last card to be tried again."""
    over = today - RETRIES_DONE - timedelta(days=2)
    return Calendar(_month(over, -MONTHS))


def _month(day: date, distance: int) -> date:
    months = day.year * 12 + day.month - 1 + distance
    return date(months // 12, months % 12 + 1, 1)
