"""Rates on both sides of each change, and a table that refuses to contradict itself."""

from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

import pytest
from billing_kernel.decimals import parse_decimal
from billing_tax.domain.categories import RateCategory
from billing_tax.domain.errors import NoRateOnDate
from billing_tax.domain.places import EU_MEMBERS, REGIONS, Place
from billing_tax.domain.rates import Rate, RateTable, RateTableBroken, Stacking
from billing_tax.domain.zones import ZONES
from billing_tax.storage.rate_file import built_in_rates

RATES = built_in_rates()
STANDARD, REDUCED = RateCategory.STANDARD, RateCategory.REDUCED
INTERMEDIATE, SUPER_REDUCED = RateCategory.INTERMEDIATE, RateCategory.SUPER_REDUCED


def percents(code: str, on: str, category: RateCategory = STANDARD) -> str:
    country, _, region = code.partition("-")
    due = RATES.due(Place(country, region), category, date.fromisoformat(on))
    return " + ".join(f"{rate.tax} {float(rate.percent):g}" for rate in due)


STANDARD_TODAY = {
    "AT": "20", "BE": "21", "BG": "20", "CY": "19", "CZ": "21", "DE": "19", "DK": "25", "EE": "24", "ES": "21",
    "FI": "25.5", "FR": "20", "GR": "24", "HR": "25", "HU": "27", "IE": "23", "IT": "22", "LT": "21", "LU": "17",
    "LV": "21", "MT": "18", "NL": "21", "PL": "23", "PT": "23", "RO": "21", "SE": "25", "SI": "22", "SK": "23",
    "GB": "20", "XI": "20", "CH": "8.1", "NO": "25", "PT-20": "16", "PT-30": "22",
}  # fmt: skip


def test_every_member_state_has_its_standard_rate():
    assert set(STANDARD_TODAY) >= EU_MEMBERS
    for code, percent in STANDARD_TODAY.items():
        assert percents(code, "2026-01-01") == f"VAT {percent}", code


REDUCED_TODAY = {
    "AT": "10", "BE": "6", "BG": "9", "CY": "5", "CZ": "12", "DE": "7", "DK": "25", "EE": "9", "ES": "10", "FI": "10",
    "FR": "5.5", "GR": "6", "HR": "5", "HU": "5", "IE": "9", "IT": "5", "LT": "5", "LU": "8", "LV": "5", "MT": "5",
    "NL": "9", "PL": "5", "PT": "6", "RO": "11", "SE": "6", "SI": "5", "SK": "5", "GB": "5", "XI": "5", "CH": "2.6",
    "NO": "12",
}  # fmt: skip


def test_every_member_state_has_its_reduced_rate_or_falls_back_to_the_standard_one():
    assert set(REDUCED_TODAY) >= EU_MEMBERS
    for code, percent in REDUCED_TODAY.items():
        assert percents(code, "2026-01-01", REDUCED) == f"VAT {percent}", code


@pytest.mark.parametrize(
    ("code", "category", "change", "before", "after"),
    [
        ("DE", STANDARD, "2020-07-01", "VAT 19", "VAT 16"),
        ("DE", STANDARD, "2021-01-01", "VAT 16", "VAT 19"),
        ("DE", REDUCED, "2020-07-01", "VAT 7", "VAT 5"),
        ("DE", REDUCED, "2021-01-01", "VAT 5", "VAT 7"),
        ("EE", STANDARD, "2024-01-01", "VAT 20", "VAT 22"),
        ("EE", STANDARD, "2025-07-01", "VAT 22", "VAT 24"),
        ("SK", STANDARD, "2025-01-01", "VAT 20", "VAT 23"),
        ("SK", REDUCED, "2025-01-01", "VAT 10", "VAT 5"),
        ("SK", INTERMEDIATE, "2025-01-01", "VAT 20", "VAT 19"),
        ("FI", STANDARD, "2024-09-01", "VAT 24", "VAT 25.5"),
        ("FI", INTERMEDIATE, "2026-01-01", "VAT 14", "VAT 13.5"),
        ("RO", STANDARD, "2025-08-01", "VAT 19", "VAT 21"),
        ("RO", REDUCED, "2025-08-01", "VAT 5", "VAT 11"),
        ("RO", INTERMEDIATE, "2025-08-01", "VAT 9", "VAT 11"),
        ("LU", STANDARD, "2023-01-01", "VAT 17", "VAT 16"),
        ("LU", STANDARD, "2024-01-01", "VAT 16", "VAT 17"),
        ("LU", REDUCED, "2023-01-01", "VAT 8", "VAT 7"),
        ("IE", STANDARD, "2020-09-01", "VAT 23", "VAT 21"),
        ("IE", STANDARD, "2021-03-01", "VAT 21", "VAT 23"),
        ("CZ", REDUCED, "2024-01-01", "VAT 10", "VAT 12"),
        ("CZ", INTERMEDIATE, "2024-01-01", "VAT 15", "VAT 12"),
        ("NL", REDUCED, "2019-01-01", "VAT 6", "VAT 9"),
        ("LT", INTERMEDIATE, "2026-01-01", "VAT 9", "VAT 12"),
        ("SI", REDUCED, "2020-01-01", "VAT 9.5", "VAT 5"),
        ("EE", SUPER_REDUCED, "2025-01-01", "VAT 5", "VAT 9"),
        ("PT-20", STANDARD, "2021-07-01", "VAT 18", "VAT 16"),
        ("CH", STANDARD, "2024-01-01", "VAT 7.7", "VAT 8.1"),
        ("CH", REDUCED, "2024-01-01", "VAT 2.5", "VAT 2.6"),
        ("CH", INTERMEDIATE, "2024-01-01", "VAT 3.7", "VAT 3.8"),
        ("NO", REDUCED, "2020-04-01", "VAT 12", "VAT 6"),
        ("NO", REDUCED, "2021-10-01", "VAT 6", "VAT 12"),
        ("SG", STANDARD, "2023-01-01", "GST 7", "GST 8"),
        ("SG", STANDARD, "2024-01-01", "GST 8", "GST 9"),
        ("JP", STANDARD, "2019-10-01", "Consumption tax 8", "Consumption tax 10"),
        ("CA-NS", STANDARD, "2025-04-01", "HST 15", "HST 14"),
        ("CA-MB", STANDARD, "2019-07-01", "GST 5 + RST 8", "GST 5 + RST 7"),
        ("US-LA", STANDARD, "2018-07-01", "Sales tax 5", "Sales tax 4.45"),
        ("US-LA", STANDARD, "2025-01-01", "Sales tax 4.45", "Sales tax 5"),
        ("US-SD", STANDARD, "2023-07-01", "Sales tax 4.5", "Sales tax 4.2"),
        ("US-NM", STANDARD, "2022-07-01", "Sales tax 5.125", "Sales tax 5"),
        ("US-NM", STANDARD, "2023-07-01", "Sales tax 5", "Sales tax 4.875"),
        ("US-UT", STANDARD, "2019-04-01", "Sales tax 5.95", "Sales tax 6.1"),
        ("US-DC", STANDARD, "2018-10-01", "Sales tax 5.75", "Sales tax 6"),
    ],
)
def test_both_sides_of_a_change(code, category, change, before, after):
    eve = (date.fromisoformat(change) - timedelta(days=1)).isoformat()
    assert (percents(code, eve, category), percents(code, change, category)) == (before, after)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("AU", "GST 10"),
        ("NZ", "GST 15"),
        ("SG", "GST 9"),
        ("JP", "Consumption tax 10"),
        ("CA-ON", "HST 13"),
        ("CA-NB", "HST 15"),
        ("CA-NL", "HST 15"),
        ("CA-PE", "HST 15"),
        ("CA-QC", "GST 5 + QST 9.975"),
        ("CA-BC", "GST 5 + PST 7"),
        ("CA-SK", "GST 5 + PST 6"),
        *((f"CA-{code}", "GST 5") for code in ("AB", "NT", "NU", "YT")),
        ("US-CA", "Sales tax 7.25"),
        ("US-NY", "Sales tax 4"),
        ("US-OR", "Sales tax 0"),
        ("TH", ""),
    ],
)
def test_taxes_of_a_place(code, expected):
    assert percents(code, "2026-06-01") == expected


def test_all_states_and_provinces_are_there():
    assert all(percents(f"US-{state}", "2026-01-01").startswith("Sales tax") for state in REGIONS["US"])
    assert len(REGIONS["US"]) == 51
    assert len(REGIONS["CA"]) == 13


def test_every_place_with_a_rate_has_a_zone_and_every_rate_a_source():
    for rate in RATES.rates:
        assert rate.jurisdiction in ZONES or rate.country in ZONES
        assert len(rate.source) > 10
        assert "://" not in rate.source


def test_history_is_complete_from_the_first_day():
    days = [date(2018, 1, 1) + timedelta(days=31 * month) for month in range(120)]
    for code in {rate.jurisdiction for rate in RATES.rates} - {"XI"}:
        assert all(percents(code, day.isoformat()) for day in days), code


def test_before_the_table_is_refused_not_zero():
    with pytest.raises(NoRateOnDate) as refusal:
        percents("DE", "2017-12-31")
    assert refusal.value.facts["first_date"] == "2018-01-01"


ROW = Rate(
    "DE", "VAT", STANDARD, Fraction(19), date(2018, 1, 1), date(2020, 1, 1), Stacking.REPLACE, "DE", "a law of Germany"
)
NEXT = replace(ROW, valid_from=date(2020, 1, 1), valid_to=None)


@pytest.mark.parametrize(
    "rows",
    [
        (ROW, replace(NEXT, valid_from=date(2019, 12, 31))),
        (ROW, replace(NEXT, valid_from=date(2020, 1, 2))),
        (replace(ROW, valid_to=None), NEXT),
        (replace(ROW, valid_to=date(2018, 1, 1)),),
        (replace(ROW, percent=Fraction(-1)),),
    ],
)
def test_a_table_with_an_overlap_or_a_hole_is_refused(rows):
    with pytest.raises(RateTableBroken):
        RateTable(rows)


def test_a_tax_may_end():
    table = RateTable([ROW])
    assert table.due(Place("DE"), STANDARD, date(2019, 12, 31)) == (ROW,)
    assert table.due(Place("DE"), STANDARD, date(2020, 1, 1)) == ()


def test_most_specific_rule_wins():
    country = replace(NEXT, jurisdiction="US", percent=Fraction(5), registered_in="US")
    state = replace(NEXT, jurisdiction="US-CA", percent=parse_decimal("7.25"), registered_in="US-CA")
    table = RateTable([country, state])
    on = date(2026, 1, 1)
    assert table.due(Place("US", "CA"), STANDARD, on) == (state,)
    assert table.due(Place("US", "NY"), STANDARD, on) == (country,)
    added = replace(state, stacking=Stacking.ADD)
    assert RateTable([country, added]).due(Place("US", "CA"), STANDARD, on) == (country, added)
