"""Matrix cells; and what is refused, by field and rule."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from billing_kernel.money import Money
from billing_kernel.period import Period
from billing_pricing import (
    Event,
    InvalidPriceModel,
    InvalidUsage,
    NoMatrixCell,
    explain,
    price_from_json,
    price_to_json,
    rate_price,
)

START = datetime(2025, 1, 31, 22, tzinfo=UTC)
TOKENS = {
    "code": "token",
    "rates": [
        {"from_time": "2025-01-01T00:00:00Z", "amount": "0.05"},
        {"from_time": "2025-02-01T00:00:00+01:00", "amount": "0.06"},
    ],
}


def at(hour, value, **fields):
    return Event(Fraction(value), START + timedelta(hours=hour), **fields)


def windows(window, **others):
    commitment = {"amount": "10", "overage_factor": "2", "window": window, **others}
    return price_from_json({"model": "per_unit", "unit_amount": "1", "adjustments": {"commitment": commitment}})


MATRIX = {
    "model": "matrix",
    "dimensions": ["cloud", "region"],
    "cells": [
        {"values": ["aws", "eu"], "unit_amount": "2"},
        {"values": ["aws", ""], "unit_amount": "1.5"},
        {"values": ["", "eu"], "unit_amount": "1.2"},
    ],
}


@pytest.mark.parametrize(
    ("dimensions", "minor"),
    [
        ({"cloud": "aws", "region": "eu"}, 200),
        ({"cloud": "aws", "region": "us"}, 150),
        ({"cloud": "aws"}, 150),
        ({"cloud": "azure", "region": "eu", "tier": "1"}, 120),
        ({"cloud": "azure", "region": "us"}, 100),
        ({}, 100),
    ],
)
def test_the_most_specific_cell_wins(dimensions, minor):
    price = price_from_json({**MATRIX, "default_unit_amount": "1"})
    assert rate_price(price, [at(0, 1, dimensions=dimensions)], "EUR").rounded == Money("EUR", minor)


def test_of_equally_specific_cells_the_earlier_dimension_wins():
    price = price_from_json({**MATRIX, "cells": MATRIX["cells"][1:]})
    assert rate_price(price, [at(0, 1, dimensions={"cloud": "aws", "region": "eu"})], "EUR").rounded == Money(
        "EUR", 150
    )


def test_two_named_dimensions_beat_an_earlier_one():
    cells = [{"values": ["aws", "", ""], "unit_amount": "1"}, {"values": ["", "eu", "gpu"], "unit_amount": "2"}]
    price = price_from_json({**MATRIX, "dimensions": ["cloud", "region", "kind"], "cells": cells})
    event = at(0, 1, dimensions={"cloud": "aws", "region": "eu", "kind": "gpu"})
    assert rate_price(price, [event], "EUR").rounded == Money("EUR", 200)


def test_a_matrix_counts_each_cell_for_itself():
    price = price_from_json(MATRIX)
    events = [
        at(hour, value, dimensions={"cloud": "aws", "region": region})
        for hour, (value, region) in enumerate([(3, "eu"), (2, "us"), (-5, "us"), (1, "eu")])
    ]
    found = rate_price(price, events, "EUR")
    assert found.rounded == Money("EUR", 800)
    assert "cell cloud aws, region any: " in explain(found).sentence()


@pytest.mark.parametrize("given_as", ["events", "billed_events"])
def test_usage_without_a_cell_is_refused(given_as):
    strangers = [at(0, 1, dimensions={"cloud": "aws"}), at(1, 1, dimensions={"cloud": "azure"})]
    usage, billed = (strangers, None) if given_as == "events" else ([], strangers)
    with pytest.raises(NoMatrixCell) as refused:
        rate_price(price_from_json(MATRIX), usage, "EUR", billed=billed)
    assert [each.field for each in refused.value.violations] == [f"{given_as}[1].dimensions"]
    assert dict(refused.value.facts) == {"cloud": "azure", "region": ""}


@pytest.mark.parametrize("given_as", ["events", "billed_events"])
def test_a_window_needs_times(given_as):
    timeless = [at(0, 1), Event(Fraction(1))]
    usage, billed = (timeless, None) if given_as == "events" else ([], timeless)
    with pytest.raises(InvalidUsage) as refused:
        rate_price(windows("hour"), usage, "EUR", billed=billed)
    assert [each.field for each in refused.value.violations] == [f"{given_as}[1].time"]


def test_a_bare_quantity_has_no_time():
    with pytest.raises(InvalidUsage):
        rate_price(windows("hour"), Fraction(5), "EUR")
    assert rate_price(windows("hour"), Fraction(0), "EUR").rounded == Money("EUR", 0)


def test_too_many_windows_are_refused():
    with pytest.raises(InvalidUsage):
        rate_price(windows("hour", true_up=True), [], "EUR", period=Period(START, START + timedelta(days=500)))


@pytest.mark.parametrize("make", [lambda: Event(0.5), lambda: Event(Fraction(1), datetime(2025, 1, 1))])  # noqa: DTZ001
def test_floats_and_naive_times_are_bugs(make):
    with pytest.raises(TypeError):
        make()


PERCENTAGE = {"model": "percentage", "rate_percent": "1"}
UNIT = {"model": "per_unit", "unit_amount": "1"}


def tiers(*rows):
    return {"model": "graduated_percentage", "tiers": list(rows)}


def adjusted(**adjustments):
    return {**UNIT, "adjustments": adjustments}


@pytest.mark.parametrize(
    ("found", "field", "rule"),
    [
        ({**PERCENTAGE, "rate_percent": "-1"}, "rate_percent", "number.negative"),
        ({**PERCENTAGE, "free_events": -1}, "free_events", "number.negative"),
        ({**PERCENTAGE, "free_events": "3"}, "free_events", "type"),
        ({**PERCENTAGE, "free_events": True}, "free_events", "type"),
        ({**PERCENTAGE, "free_volume": "-1"}, "free_volume", "number.negative"),
        ({**PERCENTAGE, "event_minimum": "2", "event_maximum": "1"}, "event_minimum", "range.empty"),
        ({**PERCENTAGE, "cap": "1"}, "cap", "field.unknown"),
        (tiers({"up_to": "5", "rate_percent": "1"}), "tiers[0].up_to", "tiers.last_open"),
        (tiers({"up_to": None, "unit_amount": "1"}), "tiers[0].unit_amount", "field.unknown"),
        (tiers({"up_to": None, "rate_percent": "-1"}), "tiers[0].rate_percent", "number.negative"),
        ({"model": "dynamic", "multiplier": "x"}, "multiplier", "number.form"),
        ({**MATRIX, "dimensions": []}, "dimensions", "dimensions.count"),
        ({**MATRIX, "dimensions": ["a", "a"]}, "dimensions", "dimensions.unique"),
        ({**MATRIX, "dimensions": ["a", 1]}, "dimensions", "type"),
        ({**MATRIX, "dimensions": ["a"]}, "cells[0].values", "cells.values"),
        ({**MATRIX, "cells": []}, "cells", "cells.count"),
        ({**MATRIX, "cells": [MATRIX["cells"][0]] * 2}, "cells[1].values", "cells.twice"),
        ({**MATRIX, "cells": [{"values": ["x" * 201, ""], "unit_amount": "1"}]}, "cells[0].values", "cells.length"),
        ({**MATRIX, "cells": ["x"]}, "cells[0]", "type"),
        ({"model": "time_weighted", "tiers": []}, "tiers", "tiers.count"),
        ({**UNIT, "adjustments": []}, "adjustments", "type"),
        (adjusted(cap="1"), "adjustments.cap", "field.unknown"),
        (adjusted(free_units="-1"), "adjustments.free_units", "number.negative"),
        (adjusted(maximum_amount=5), "adjustments.maximum_amount", "type"),
        (adjusted(minimum_amount="2", maximum_amount="1"), "adjustments.minimum_amount", "range.empty"),
        (adjusted(discount_percent="100.1"), "adjustments.discount_percent", "number.range"),
        (adjusted(discount_after_maximum="yes"), "adjustments.discount_after_maximum", "type"),
        (adjusted(commitment={}), "adjustments.commitment", "commitment.one_of"),
        (adjusted(commitment={"amount": "1", "quantity": "1"}), "adjustments.commitment", "commitment.one_of"),
        (adjusted(commitment={"amount": "1", "window": "week"}), "adjustments.commitment.window", "enum"),
        (adjusted(pricing_unit={"code": "t", "rates": []}), "adjustments.pricing_unit.rates", "rates.count"),
        (adjusted(pricing_unit={"code": "", "rates": TOKENS["rates"]}), "adjustments.pricing_unit.code", "text.length"),
        (
            adjusted(pricing_unit={"code": "t", "rates": TOKENS["rates"][::-1]}),
            "adjustments.pricing_unit.rates[1].from_time",
            "rates.ascending",
        ),
        (
            adjusted(pricing_unit={"code": "t", "rates": [{"from_time": "2025-01-01", "amount": "1"}]}),
            "adjustments.pricing_unit.rates[0].from_time",
            "time.form",
        ),
        (adjusted(rounding={"mode": "nearest"}), "adjustments.rounding.mode", "enum"),
        (adjusted(rounding={"places": 13}), "adjustments.rounding.places", "number.range"),
        (adjusted(rounding={"places": "2"}), "adjustments.rounding.places", "type"),
        (
            {**MATRIX, "adjustments": {"commitment": {"quantity": "5"}}},
            "adjustments.commitment.quantity",
            "commitment.no_default",
        ),
    ],
)
def test_bad_prices_are_refused_by_field_and_rule(found, field, rule):
    with pytest.raises(InvalidPriceModel) as refused:
        price_from_json(found)
    assert (field, rule) in {(violation.field, violation.rule) for violation in refused.value.violations}


def test_what_changes_nothing_is_not_written():
    empty = {"free_units": "0", "minimum_amount": None, "commitment": None, "rounding": {}}
    assert price_to_json(price_from_json(adjusted(**empty))) == '{"model":"per_unit","unit_amount":"1"}'
    made = adjusted(
        free_units="1",
        maximum_amount="0",
        commitment={"amount": "5", "overage_factor": "1.0", "window": "hour"},
        pricing_unit=TOKENS,
        rounding={"mode": "down", "places": 0, "deferred": True},
    )
    assert price_to_json(price_from_json(made)) == (
        '{"adjustments":{"commitment":{"amount":"5","window":"hour"},"free_units":"1","maximum_amount":"0",'
        '"pricing_unit":{"code":"token","rates":[{"amount":"0.05","from_time":"2025-01-01T00:00:00Z"},'
        '{"amount":"0.06","from_time":"2025-01-31T23:00:00Z"}]},'
        '"rounding":{"deferred":true,"mode":"down","places":0}},"model":"per_unit","unit_amount":"1"}'
    )
