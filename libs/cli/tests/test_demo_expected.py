"""The demo's own arithmetic and calendar, against figures worked out by hand."""

import json
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest
from billing_cli.demo import event_file, expected, months
from billing_cli.demo.cast import CUSTOMERS, PLAN_ITEMS
from billing_cli.demo.event_file import Delivery
from billing_cli.demo.expected import ExpectedInvoice, Tally
from billing_cli.demo.months import Calendar
from billing_cli.errors import CliError

AUGUST = Calendar(date(2025, 8, 1))
KLARA, ATELIER, BLUE_RIDGE, JONAS = CUSTOMERS


def delivery(name="1", at="2025-08-10T00:00:00+00:00", late_s=1, value=5, customer="klara-winter"):
    instant = datetime.fromisoformat(at)
    return Delivery("{}", "src", name, customer, instant, instant + timedelta(seconds=late_s), value)


@pytest.mark.parametrize(
    ("calls", "euro"),
    [
        (0, "0"),
        (9_999, "0"),
        (10_000, "0"),
        (10_001, "0.002"),
        (100_000, "180"),
        (100_001, "180.001"),
        (152_072, "232.072"),
    ],
)
def test_price_by_tiers(calls, euro):
    assert expected.price_of(Fraction(calls)) == Fraction(euro)


@pytest.mark.parametrize(("euro", "minor"), [("0", 0), ("0.004", 0), ("0.005", 1), ("1.448", 145), ("232.072", 23207)])
def test_cents_round_half_up(euro, minor):
    assert expected.cents(Fraction(euro)) == minor


def counted(name, calls):
    return Tally({(name, month): Fraction(calls) for month in range(3)}, 0, 0, 0)


@pytest.mark.parametrize(
    ("customer", "first", "later"),
    [
        (KLARA, ExpectedInvoice(None, 4900, 931), ExpectedInvoice(145, 5045, 959)),  # 19 %: 931 + 28
        (ATELIER, ExpectedInvoice(None, 4900, 0), ExpectedInvoice(145, 5045, 0)),
        (BLUE_RIDGE, ExpectedInvoice(None, 4900, 0), ExpectedInvoice(145, 5045, 0)),
        (JONAS, ExpectedInvoice(None, 4900, 980), ExpectedInvoice(145, 5045, 1009)),  # 20 %: 980 + 29
    ],
)
def test_invoices_of_a_customer(customer, first, later):
    assert expected.invoices_of(customer, counted(customer.external_id, 10_724)) == [first, later, later, later]


def test_a_tally_counts_each_identity_once_in_its_local_month():
    deliveries = [
        delivery("1", "2025-07-31T22:00:00+00:00", value=1),  # 1 August in Berlin
        delivery("2", "2025-08-31T21:59:59.999+00:00", value=2),
        delivery("3", "2025-08-31T22:00:00+00:00", value=4, late_s=7200),  # September
        delivery("3", "2025-08-31T22:00:00+00:00", value=4, late_s=9000),
    ]
    found = expected.tally(deliveries, CUSTOMERS, AUGUST, 1800)
    assert [found.calls["klara-winter", month] for month in range(3)] == [3, 4, 0]
    assert (found.events, found.repeats, found.late) == (3, 1, 1)


def test_the_words_of_the_plan_are_those_of_the_arithmetic():
    fee, calls = PLAN_ITEMS
    assert Fraction(fee["price"]["flat"]["amount"]) * 100 == expected.FEE_MINOR
    free, first, second = calls["price"]["graduated"]["tiers"]
    assert (Fraction(free["up_to"]), Fraction(free["unit_amount"])) == (expected.FREE, 0)
    assert Fraction(first["up_to"]) == expected.FREE + expected.FIRST
    assert Fraction(first["unit_amount"]) == expected.FIRST_PRICE
    assert Fraction(second["unit_amount"]) == expected.SECOND_PRICE


def test_months_begin_at_local_midnight():
    assert AUGUST.boundary(0, "Europe/Berlin") == datetime(2025, 7, 31, 22, tzinfo=UTC)
    assert AUGUST.boundary(3, "Europe/Berlin") == datetime(2025, 10, 31, 23, tzinfo=UTC)  # summer time is over
    assert AUGUST.boundary(1, "America/Los_Angeles") == datetime(2025, 9, 1, 7, tzinfo=UTC)


def test_stops_are_all_boundaries_once_in_order():
    stops = AUGUST.stops(CUSTOMERS)
    assert stops == sorted(set(stops))
    assert len(stops) == 6
    assert all(AUGUST.opening < stop < AUGUST.closing for stop in stops)
    assert max(AUGUST.boundary(0, customer.zone) for customer in CUSTOMERS) < AUGUST.opening


@pytest.mark.parametrize(
    ("today", "first"),
    [
        (date(2025, 11, 23), date(2025, 8, 1)),
        (date(2025, 11, 7), date(2025, 8, 1)),
        (date(2025, 11, 6), date(2025, 7, 1)),  # the last card would be tried again in the future
        (date(2025, 2, 28), date(2024, 11, 1)),
    ],
)
def test_the_latest_months_that_are_over(today, first):
    calendar = months.latest(today)
    assert calendar.first == first
    assert calendar.closing.date() <= today


def test_a_made_file_is_read_back_in_batches(tmp_path):
    path = tmp_path / "events.json"
    event_file.make(path, AUGUST, CUSTOMERS, 2_500, 7)
    deliveries = event_file.read(path)
    batches = list(event_file.batches(deliveries))
    assert [len(batch) for batch in batches] == [1000, 1000, 500]
    assert [event for batch in batches for event in json.loads(event_file.body(batch))] == json.loads(path.read_text())
    found = expected.tally(deliveries, CUSTOMERS, AUGUST, 1800)
    assert (found.events, found.repeats, found.late) == (2_375, 125, 25)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '[{"data":{"value":1.5}}]', "[{}]"])
def test_another_file_is_refused(text, tmp_path):
    path = tmp_path / "events.json"
    path.write_text(text)
    if text == "{}":
        assert event_file.read(path) == []
        return
    with pytest.raises(CliError, match="no file of"):
        event_file.read(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(CliError, match="cannot be read"):
        event_file.read(tmp_path / "none.json")
