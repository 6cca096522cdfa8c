"""What the chapter of life must come to, line by line, by fractions and the words of the story: no code of the mesh."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction

from billing_cli.demo.expected import cents
from billing_cli.demo.months import Calendar
from billing_cli.demo.story import BACKUP, BASE, CUSTOMER, SEATS, Days

TEAM_FEE, TEAM_SEAT = Fraction(20), Fraction(12)
BUSINESS_FEE, BUSINESS_SEAT = Fraction(60), Fraction(15)
BACKUP_FEE = Fraction(15)
FEW, MANY = 5, 8
COUPON_PERCENT = Fraction(20)
TAX_PERCENT = Fraction(19)


@dataclass(frozen=True, slots=True)
class Line:
    """One line. All amounts in cents, negative on credits; `amount` is before the discount, `tax` is on top of net."""

    code: str
    reason: str
    start: datetime
    end: datetime
    amount: int
    discount: int = 0
    tax: int = 0

    @property
    def net(self) -> int:
        return self.amount - self.discount


@dataclass(frozen=True, slots=True)
class Bill:
    """An invoice and what the customer's balance does to it: `granted` when it is below zero, `applied` later."""

    at: datetime
    lines: Sequence[Line]
    applied: int = 0

    @property
    def net(self) -> int:
        return sum(line.net for line in self.lines)

    @property
    def tax(self) -> int:
        return sum(line.tax for line in self.lines)

    @property
    def total(self) -> int:
        return self.net + self.tax

    @property
    def granted(self) -> int:
        return max(-self.total, 0)

    @property
    def paid(self) -> int:
        return max(self.total - self.applied, 0)


def bills_of(calendar: Calendar) -> list[Bill]:
    """The six invoices in order: sign-up, upgrade, second month, third month (a credit), resumption, fourth month."""
    days = Days(calendar)
    first, second, third, fourth, after = (calendar.boundary(month, CUSTOMER.zone) for month in range(5))
    signed = discounted([_charge(BASE, first, second, TEAM_FEE), _charge(SEATS, first, second, FEW * TEAM_SEAT)])
    renewed = discounted(_month(second, third, FEW))
    full = [taxed(line) for line in _month(fourth, after, MANY)]  # the coupon's three periods are over
    return _balanced(
        [
            Bill(first, signed),
            Bill(days.upgrade, _upgraded(days, second, signed)),
            Bill(second, renewed),
            Bill(third, _paused(days, third, renewed)),
            Bill(days.resume, _resumed(days, fourth)),
            Bill(fourth, full),
        ]
    )


def _upgraded(days: Days, end: datetime, signed: Sequence[Line]) -> list[Line]:
    """The add-on that waited, then Business for Team for the rest of the month."""
    rest, copies = by_days(days, days.upgrade, 0), BACKUP_FEE * by_days(days, days.add_on, 0)
    fee, seats = BUSINESS_FEE * rest, FEW * BUSINESS_SEAT * rest
    bought = [
        _charge(BACKUP, days.add_on, end, copies, "ITEM_ADDED"),
        _charge(BASE, days.upgrade, end, fee, "UPGRADE"),
        _charge(SEATS, days.upgrade, end, seats, "UPGRADE"),
    ]
    left = [
        _credit(signed[0], days.upgrade, TEAM_FEE * rest, "UPGRADE"),
        _credit(signed[1], days.upgrade, FEW * TEAM_SEAT * rest, "UPGRADE"),
    ]
    return [*discounted(bought), *left]


def _paused(days: Days, end: datetime, renewed: Sequence[Line]) -> list[Line]:
    """Eight seats for five since the tenth, and all given back since the twenty-first; nothing for the new month."""
    grown, idle = by_seconds(days, days.more_seats, 1), by_days(days, days.pause, 1)
    fee, seats, copies = renewed
    joined = _charge(SEATS, days.more_seats, end, MANY * BUSINESS_SEAT * grown, "QUANTITY_UP")
    (more,) = discounted([joined])
    return [
        more,
        _credit(seats, days.more_seats, FEW * BUSINESS_SEAT * grown, "QUANTITY_UP"),
        _credit(fee, days.pause, BUSINESS_FEE * idle, "PAUSE"),
        _credit(more, days.pause, MANY * BUSINESS_SEAT * idle, "PAUSE"),
        _credit(copies, days.pause, BACKUP_FEE * idle, "PAUSE"),
    ]


def _resumed(days: Days, end: datetime) -> list[Line]:
    """The rest of the third month."""
    back = by_days(days, days.resume, 2)
    return discounted(
        [
            _charge(BASE, days.resume, end, BUSINESS_FEE * back, "RESUME"),
            _charge(SEATS, days.resume, end, MANY * BUSINESS_SEAT * back, "RESUME"),
            _charge(BACKUP, days.resume, end, BACKUP_FEE * back, "RESUME"),
        ]
    )


def discounted(lines: Sequence[Line]) -> list[Line]:
    """The coupon on the sum, spread by largest remainder, the earlier line first on a tie; then the tax of each."""
    whole = sum(line.amount for line in lines)
    off = cents(Fraction(whole, 100) * COUPON_PERCENT / 100)
    exact = [Fraction(off * line.amount, whole) for line in lines]
    shares = [int(each) for each in exact]
    order = sorted(range(len(lines)), key=lambda place: (shares[place] - exact[place], place))
    for place in order[: off - sum(shares)]:
        shares[place] += 1
    return [taxed(replace(line, discount=share)) for line, share in zip(lines, shares, strict=True)]


def taxed(line: Line) -> Line:
    """A charge with its tax, rounded on the line."""
    return replace(line, tax=cents(Fraction(line.net, 100) * TAX_PERCENT / 100))


def _month(start: datetime, end: datetime, seats: int) -> list[Line]:
    """A whole month of Business with the add-on."""
    return [
        _charge(BASE, start, end, BUSINESS_FEE),
        _charge(SEATS, start, end, seats * BUSINESS_SEAT),
        _charge(BACKUP, start, end, BACKUP_FEE),
    ]


def _charge(code: str, start: datetime, end: datetime, euro: Fraction, reason: str = "") -> Line:
    return Line(code, reason, start, end, cents(euro))


def _credit(line: Line, start: datetime, euro: Fraction, reason: str) -> Line:
    """What is given back of a line, with the same part of its discount and then of its tax."""
    amount = min(cents(euro), line.amount)
    discount = _part(line.discount, amount, line.amount)
    tax = _part(line.tax, amount - discount, line.net)
    return Line(line.code, reason, start, line.end, -amount, -discount, -tax)


def _part(whole: int, of: int, all_of: int) -> int:
    return cents(Fraction(whole * of, all_of * 100))


def by_days(days: Days, at: datetime, month: int) -> Fraction:
    """The days of a month from an instant's own day on, out of all its days."""
    length = days.calendar.length_days(month)
    return Fraction(length - days.calendar.day_of(at, CUSTOMER.zone) + 1, length)


def by_seconds(days: Days, at: datetime, month: int) -> Fraction:
    """What is left of a month at an instant; a month with a day of 25 hours is longer."""
    start, end = (days.calendar.boundary(each, CUSTOMER.zone) for each in (month, month + 1))
    return Fraction(int((end - at).total_seconds()), int((end - start).total_seconds()))


def _balanced(bills: Sequence[Bill]) -> list[Bill]:
    """What is below zero stays with the customer and is taken off what follows."""
    balance, found = 0, []
    for bill in bills:
        applied = min(balance, max(bill.total, 0))
        balance += bill.granted - applied
        found.append(replace(bill, applied=applied))
    return found
