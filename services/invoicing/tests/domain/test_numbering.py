"""Numbers: no gap, no way back in time, the year of the seller's zone."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from billing_invoicing.domain.numbering import Series, due_at, format_number, take
from hypothesis import given
from hypothesis import strategies as st

VIENNA = ZoneInfo("Europe/Vienna")
EMPTY = Series({}, None)
EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
INSTANTS = st.lists(
    st.integers(0, 4 * 366 * 86_400).map(lambda second: EPOCH + timedelta(seconds=second)), min_size=1, max_size=40
)


@pytest.mark.parametrize(
    ("prefix", "year", "sequence", "text"),
    [
        ("ACME", 2026, 1, "ACME-2026-000001"),
        ("A-B", 2026, 999_999, "A-B-2026-999999"),
        ("X", 2026, 1_000_000, "X-2026-1000000"),
    ],
)
def test_format(prefix, year, sequence, text):
    assert format_number(prefix, year, sequence) == text


@given(INSTANTS, INSTANTS)
def test_no_gap_and_no_way_back_over_two_batches(first, second):
    one, stand = take(EMPTY, first, VIENNA)
    two, end = take(stand, second, VIENNA)
    taken = [*one, *two]
    assert all(earlier.invoice_at <= later.invoice_at for earlier, later in pairwise(taken))
    for year in {number.year for number in taken}:
        sequences = [number.sequence for number in taken if number.year == year]
        assert sequences == list(range(1, len(sequences) + 1))
        assert end.last[year] == len(sequences)
    assert all(number.invoice_at >= wanted for number, wanted in zip(taken, [*first, *second], strict=True))


def test_the_year_is_that_of_the_sellers_zone():
    new_year = datetime(2025, 12, 31, 23, 30, tzinfo=UTC)
    assert [take(EMPTY, [new_year], zone)[0][0].year for zone in (VIENNA, ZoneInfo("UTC"))] == [2026, 2025]


def test_an_earlier_date_is_moved_to_that_of_the_invoice_before():
    latest = datetime(2026, 3, 1, tzinfo=UTC)
    (number,), stand = take(Series({2026: 7}, latest), [latest - timedelta(days=40)], VIENNA)
    assert (number.sequence, number.invoice_at, stand) == (8, latest, Series({2026: 8}, latest))


@pytest.mark.parametrize(
    ("invoice_at", "days", "expected"),
    [
        (datetime(2026, 3, 15, 23, tzinfo=UTC), 14, datetime(2026, 3, 29, 22, tzinfo=UTC)),  # clocks go forward
        (datetime(2026, 10, 14, 22, tzinfo=UTC), 14, datetime(2026, 10, 28, 23, tzinfo=UTC)),  # and back
        (datetime(2026, 1, 31, tzinfo=UTC), 30, datetime(2026, 3, 1, 23, tzinfo=UTC) + timedelta(hours=1)),
        (datetime(2026, 1, 31, tzinfo=UTC), 0, datetime(2026, 1, 31, tzinfo=UTC)),
    ],
)
def test_terms_are_days_of_the_sellers_calendar(invoice_at, days, expected):
    assert due_at(invoice_at, days, VIENNA) == expected
