"""Every figure of the page on proration is worked out again by the code."""

import re
from datetime import UTC, datetime
from fractions import Fraction

import pytest
from billing_kernel.cycle import Cycle, FirstStub, calendar_anchor, day_anchor
from billing_kernel.money import ExactAmount, round_amount
from billing_kernel.period import Interval, Period, zone_of
from billing_kernel.proration import Basis, Denominator, Proration, charged_share, nominal_days, unused_share

from tools.gen_protos import ROOT

PAGE = (ROOT / "docs/proration.md").read_text()
DATE = re.compile(r"\d{4}-\d\d-\d\d")
MONTH = Interval("month")


def rows(*heads: str) -> list[list[str]]:
    """The cells of the one table with these heads."""
    _, found, after = PAGE.partition(f"| {' | '.join(heads)} |\n")
    assert found, heads
    lines = after.split("\n\n")[0].splitlines()[1:]
    return [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines]


def at(text: str, zone: str = "UTC") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone_of(zone)).astimezone(UTC)


def span(text: str, zone: str = "UTC") -> Period:
    return Period(*(at(date, zone) for date in DATE.findall(text)))


def money(amount: Fraction) -> str:
    return str(round_amount(ExactAmount("USD", amount))).removesuffix(" USD")


def anniversary(start: str, interval: Interval = MONTH, zone: str = "UTC") -> Cycle:
    return Cycle(at(start, zone), zone, interval, at(start, zone))


MARCH, CHANGED = anniversary("2025-03-01"), at("2025-03-16T12:00")


@pytest.mark.parametrize("row", rows("Basis", "Denominator", "Share", "Credit", "Charge"), ids=str)
def test_a_change(row):
    basis, denominator, share, credit, charge = row
    rule = Proration(Basis(basis), Denominator(denominator))
    left = charged_share(Period(CHANGED, MARCH.period(0).end), MARCH, rule)
    assert (left, money(-100 * left), money(300 * left)) == (Fraction(share), credit, charge)


@pytest.mark.parametrize("row", rows("Basis", "Denominator", "Unused", "Credit"), ids=str)
def test_a_cancelation(row):
    basis, denominator, unused, credit = row
    share = unused_share(MARCH.period(0), CHANGED, MARCH, Proration(Basis(basis), Denominator(denominator)))
    assert (share, money(-100 * share)) == (Fraction(unused), credit)


def aligned(start: str, every: str, alignment: str, day: str) -> Cycle:
    count, unit = every.removesuffix("s").split()
    interval, begins = Interval(unit, int(count)), at(start)
    number, *month = day.split()
    anchors = {
        "ANNIVERSARY": lambda: begins,
        "CALENDAR": lambda: calendar_anchor(begins, "UTC", interval),
        "ANCHOR_DAY": lambda: day_anchor(begins, "UTC", interval, day=int(number), month=9 if month else None),
    }
    assert month in ([], ["September"])
    return Cycle(anchors[alignment](), "UTC", interval, begins)


BOUNDARIES = rows("Start", "Interval", "Alignment", "Anchor day", "First boundaries behind the start")


@pytest.mark.parametrize("row", BOUNDARIES, ids=str)
def test_boundaries(row):
    cycle, told = aligned(*row[:4]), row[4].split(", ")
    assert [cycle.period(index).end.date().isoformat() for index in range(len(told))] == told


@pytest.mark.parametrize("row", rows("First stub", "Period 0", "Share", "Charge"), ids=str)
def test_first_stubs(row):
    stub, first, share, charge = row
    start = at("2024-04-01")
    cycle = Cycle(day_anchor(start, "UTC", MONTH, day=15), "UTC", MONTH, start, FirstStub(stub))
    found = charged_share(cycle.period(0), cycle, Proration(Basis.BY_DAYS))
    assert (cycle.period(0), found, money(31 * found)) == (span(first), Fraction(share), charge)


@pytest.mark.parametrize("row", rows("Zone", "Month from", "Span", "`BY_SECONDS`", "`BY_DAYS`"), ids=str)
def test_clocks(row):
    zone, start, part, *shares = row
    cycle = anniversary(start, zone=zone)
    found = [charged_share(span(part, zone), cycle, Proration(basis)) for basis in (Basis.BY_SECONDS, Basis.BY_DAYS)]
    assert found == list(map(Fraction, shares))


def test_settlements():
    june = anniversary("2025-06-01")
    half = charged_share(Period(at("2025-06-16"), june.period(0).end), june, Proration())
    credit, charge, july = -100 * half, 300 * half, 300
    told = {row[0]: row[1:] for row in rows("Settlement", "On 2025-06-16", "On 2025-07-01", "Together")}
    assert told == {
        "NEXT_INVOICE": [money(each) for each in (Fraction(0), credit + charge + july, credit + charge + july)],
        "AT_ONCE": [money(each) for each in (credit + charge, Fraction(july), credit + charge + july)],
        "NO_CREDIT": [money(each) for each in (Fraction(0), charge + july, charge + july)],
    }


def kill_bill(rule: Proration) -> Fraction:
    start = at("2012-03-02")
    cycle = Cycle(day_anchor(start, "UTC", MONTH, day=31), "UTC", MONTH, start)
    return charged_share(cycle.period(0), cycle, rule)


def left_of(cycle: Cycle, changed_at: str):
    return lambda rule: charged_share(Period(at(changed_at), cycle.period(0).end), cycle, rule)


def lago(rule: Proration) -> Fraction:
    cycle = anniversary("2025-09-18")
    return unused_share(cycle.period(0), cycle.start, cycle, rule)


SYSTEMS = {
    "Stripe": left_of(anniversary("2025-06-01"), "2025-06-16"),
    "Polar": left_of(anniversary("2024-08-01", Interval("year")), "2024-10-01"),
    "Meteroid": left_of(anniversary("2024-01-01", Interval("day", 30)), "2024-01-30"),
    "Kill Bill": kill_bill,
    "Flexprice": left_of(MARCH, "2025-03-15"),
    "Lago": lago,
}


@pytest.mark.parametrize(
    "row", rows("System", "Basis", "Its case", "Share", "Credit", "Charge"), ids=lambda row: row[0]
)
def test_other_systems(row):
    system, basis, case, share, credit, charge = row
    old, new = map(Fraction, re.findall(r"\d+\.\d\d", case))
    found = SYSTEMS[system](Proration(Basis(basis)))
    assert (found, money(-old * found), money(new * found)) == (Fraction(share), credit, charge)


def test_every_system_of_the_code_is_on_the_page():
    assert {row[0] for row in rows("System", "Basis", "Its case", "Share", "Credit", "Charge")} == set(SYSTEMS)


def test_every_value_of_a_rule_is_named():
    for value in (*Basis, *Denominator, *FirstStub):
        assert f"`{value}`" in PAGE


def test_nominal_days_are_those_of_the_code():
    (told,) = re.findall(
        r"a day has 1, a week 7, a month (\d+), 3 months (\d+), 6 months (\d+),\s+12 months (\d+)", PAGE
    )
    assert [nominal_days(Interval("month", count)) for count in (1, 3, 6, 12)] == list(map(int, told))
