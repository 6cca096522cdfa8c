"""Copies of subscriptions: periods, and the names of customers over time."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from billing_kernel.cycle import Cycle, FirstStub
from billing_kernel.period import Interval, Period
from billing_pricing import price_from_json
from billing_usage.domain.subscription import (
    BEGINNING,
    END,
    Customer,
    Item,
    Name,
    Price,
    Subscription,
    current_period,
    rename,
    subjects,
    window_of,
)
from hypothesis import given
from hypothesis import strategies as st

CUSTOMER = UUID(int=7)
PRICE = Price(UUID(int=3), "api", "EUR", price_from_json({"model": "flat", "amount": "1"}))


def day(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def subscription(start="2026-01-31", anchor=None, canceled=None, begins=None, stub=FirstStub.SHORT):
    anchor = day(anchor or start)
    return Subscription(
        subscription_id=UUID(int=1),
        customer_id=CUSTOMER,
        version=1,
        start_at=day(start),
        cycle=Cycle(anchor, "UTC", Interval("month", 1), day(begins) if begins else anchor, stub),
        canceled_at=day(canceled) if canceled else None,
        external_customer_id="",
        items=(),
    )


def off_the_grid(stub):
    return subscription("2026-01-16", "2026-01-01", begins="2026-01-16", stub=stub)


@pytest.mark.parametrize(
    ("given_", "now", "start", "end"),
    [
        (subscription(), "2026-01-31", "2026-01-31", "2026-02-28"),
        (subscription(), "2026-02-28", "2026-02-28", "2026-03-31"),
        (subscription(), "2026-04-29", "2026-03-31", "2026-04-30"),
        (subscription(), "2025-01-01", "2026-01-31", "2026-02-28"),
        (subscription(anchor="2026-02-14"), "2026-02-01", "2026-01-31", "2026-02-14"),
        (subscription(anchor="2026-02-14"), "2026-02-14", "2026-02-14", "2026-03-14"),
        (subscription(canceled="2026-03-31"), "2026-06-01", "2026-02-28", "2026-03-31"),
        (subscription(canceled="2026-03-15"), "2026-06-01", "2026-02-28", "2026-03-31"),
        # anchored on the first, started in between
        (off_the_grid(FirstStub.SHORT), "2026-01-20", "2026-01-16", "2026-02-01"),
        (off_the_grid(FirstStub.SHORT), "2026-02-20", "2026-02-01", "2026-03-01"),
        (off_the_grid(FirstStub.LONG), "2026-02-20", "2026-01-16", "2026-03-01"),
        (off_the_grid(FirstStub.LONG), "2026-03-01", "2026-03-01", "2026-04-01"),
        (off_the_grid(FirstStub.NONE), "2026-01-20", "2026-01-16", "2026-02-01"),
        (off_the_grid(FirstStub.NONE), "2026-02-01", "2026-02-01", "2026-03-01"),
        (off_the_grid(FirstStub.SHORT), "2025-12-01", "2026-01-16", "2026-02-01"),
        # a trial, then a stub up to the first
        (subscription("2026-01-02", "2026-01-01", begins="2026-01-16"), "2026-01-10", "2026-01-02", "2026-01-16"),
        (subscription("2026-01-02", "2026-01-01", begins="2026-01-16"), "2026-01-16", "2026-01-16", "2026-02-01"),
    ],
)
def test_the_current_period(given_, now, start, end):
    found = current_period(given_, day(now))
    assert (found.start, found.end) == (day(start), day(end))


@pytest.mark.parametrize(
    ("since", "start"),
    [
        (None, "2026-01-01"),
        ("2025-12-01", "2026-01-01"),
        ("2026-01-01", "2026-01-01"),
        ("2026-01-16", "2026-01-16"),
        ("2026-02-01", "2026-01-01"),
    ],
)
def test_an_item_counts_from_its_window_on(since, start):
    item = Item(UUID(int=1), "api", PRICE, day(since) if since else None)
    span = Period(day("2026-01-01"), day("2026-02-01"))
    assert window_of(item, span) == Period(day(start), span.end)


def test_the_first_name_holds_since_ever():
    assert rename(None, CUSTOMER, "acme", 1, day("2026-01-01")).names == (Name("acme", BEGINNING, END),)


def test_names_follow_each_other_without_overlap():
    customer = rename(None, CUSTOMER, "acme", 1, day("2026-01-01"))
    customer = rename(customer, CUSTOMER, "ajax", 2, day("2026-02-01"))
    customer = rename(customer, CUSTOMER, "", 3, day("2026-03-01"))
    customer = rename(customer, CUSTOMER, "acme", 4, day("2026-04-01"))
    assert customer.names == (
        Name("acme", BEGINNING, day("2026-02-01")),
        Name("ajax", day("2026-02-01"), day("2026-03-01")),
        Name("acme", day("2026-04-01"), END),
    )


def test_older_versions_and_words_of_subscriptions_change_nothing():
    customer = rename(None, CUSTOMER, "acme", 2, day("2026-01-01"))
    for version in (0, 1, 2):
        assert rename(customer, CUSTOMER, "ajax", version, day("2026-02-01")) is customer


@given(st.lists(st.tuples(st.sampled_from(["", "a", "b"]), st.integers(0, 9)), max_size=8))
def test_at_most_one_name_holds_at_any_time(changes):
    customer = Customer(CUSTOMER, 0, ())
    for version, (external_id, days) in enumerate(changes, 1):
        customer = rename(customer, CUSTOMER, external_id, version, day("2026-01-01") + timedelta(days=days))
    spans = sorted((name.since, name.until) for name in customer.names)
    assert all(since <= until for since, until in spans)


def test_a_subscription_is_named_in_three_ways():
    found = subjects("sub_1", "cus_1", (Name("acme", BEGINNING, END),))
    assert [subject.text for subject in found] == ["sub_1", "cus_1", "external/acme"]
