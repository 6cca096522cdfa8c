"""What holds for every model under every combination of adjustments."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from billing_kernel.money import Rounding, round_amount
from billing_kernel.period import Period
from billing_pricing import (
    Adjustments,
    Cell,
    Commitment,
    DatedRate,
    Dynamic,
    Event,
    Flat,
    Graduated,
    GraduatedPercentage,
    Matrix,
    Measure,
    Package,
    Percentage,
    PercentageTier,
    PerUnit,
    Price,
    PricingUnit,
    RoundingPolicy,
    Share,
    Tier,
    TimeWeighted,
    Volume,
    Window,
    evaluate,
    explain,
    explanation_from_json,
    price_from_json,
    price_to_json,
    price_to_object,
    rate_price,
    verify,
)
from hypothesis import given, settings
from hypothesis import strategies as st

START = datetime(2025, 1, 1, tzinfo=UTC)
PERIOD = Period(START, START + timedelta(hours=60))
amounts = st.integers(0, 10**14).map(lambda units: Fraction(units, 10**12)) | st.integers(0, 100).map(Fraction)
percents = st.integers(0, 1000).map(lambda units: Fraction(units, 10))
bounds = st.integers(1, 10**5).map(lambda units: Fraction(units, 10**3)) | st.integers(1, 100).map(Fraction)

values = st.integers(-20, 60).map(Fraction) | st.integers(-(10**4), 10**5).map(lambda units: Fraction(units, 10**3))


@st.composite
def tiers(draw, kind=Tier):
    up_to = [*sorted(draw(st.sets(bounds, max_size=4))), None]
    return tuple(kind(bound, draw(amounts), draw(amounts)) for bound in up_to)


@st.composite
def percentages(draw):
    least, most = sorted((draw(amounts), draw(amounts)))
    return Percentage(
        draw(percents),
        draw(amounts),
        draw(st.none() | st.integers(0, 5)),
        draw(st.none() | bounds),
        draw(st.none() | st.just(least)),
        draw(st.none() | st.just(most)),
    )


@st.composite
def matrices(draw):
    names = draw(st.sampled_from([("a",), ("a", "b")]))
    cells = draw(st.lists(st.tuples(*(st.sampled_from(["", "x", "y"]) for _ in names)), unique=True, max_size=6))
    return Matrix(names, tuple(Cell(each, draw(amounts)) for each in cells), draw(amounts))


quantity_models = st.one_of(
    st.builds(Flat, amounts),
    st.builds(PerUnit, amounts),
    st.builds(Graduated, tiers(), st.booleans()),
    st.builds(Volume, tiers(), st.booleans()),
    st.builds(Package, bounds, amounts, bounds | st.just(Fraction(0))),
    st.builds(GraduatedPercentage, tiers(PercentageTier), st.booleans()),
)
models = st.one_of(
    quantity_models,
    percentages(),
    st.builds(Dynamic, amounts),
    matrices(),
    st.builds(TimeWeighted, tiers(), st.booleans()),
)


@st.composite
def commitments(draw):
    amount, quantity = draw(st.sampled_from([(True, False), (False, True)]))
    return Commitment(
        draw(amounts) if amount else None,
        draw(bounds) if quantity else None,
        draw(amounts),
        draw(st.booleans()),
        draw(st.sampled_from(Window)),
    )


units = st.builds(lambda rate: PricingUnit("token", (DatedRate(START, rate),)), amounts)
roundings = st.builds(RoundingPolicy, st.sampled_from(Rounding), st.none() | st.integers(0, 6), st.booleans())


@st.composite
def prices(draw):
    least, most = sorted((draw(amounts), draw(amounts)))
    adjustments = Adjustments(
        free_units=draw(bounds | st.just(Fraction(0))),
        minimum=draw(st.none() | st.just(least)),
        maximum=draw(st.none() | st.just(most)),
        discount_percent=draw(st.sampled_from([Fraction(0), Fraction(25), Fraction("33.3"), Fraction(100)])),
        discount_after_maximum=draw(st.booleans()),
        commitment=draw(st.none() | commitments()),
        unit=draw(st.none() | units),
        rounding=draw(roundings),
    )
    return Price(draw(models), draw(st.just(Adjustments()) | st.just(adjustments)))


@st.composite
def events(draw):
    at = START + timedelta(minutes=draw(st.integers(0, 60 * 60 - 1)))
    dimensions = draw(st.dictionaries(st.sampled_from("ab"), st.sampled_from("xyz"), max_size=2))
    return Event(draw(values), at, dimensions, Fraction(draw(st.integers(0, 12)), 12))


usages = st.lists(events(), max_size=6).map(tuple)
shares = st.none() | st.builds(lambda n: Share(Fraction(n, 31), "of the period, by days"), st.integers(0, 40))
currencies = st.sampled_from(["EUR", "JPY", "KWD"])


def given_as(price, usage):
    """Events, or their sum where the price takes a quantity."""
    return sum((event.value for event in usage), Fraction(0)) if price.measure is Measure.QUANTITY else usage


def keeps_more(price, currency):
    """Whether lines keep what only the document rounds."""
    policy = price.adjustments.rounding
    places = {"EUR": 2, "JPY": 0, "KWD": 3}[currency]
    return policy.deferred or (policy.places or 0) > places


@given(prices(), usages, currencies, shares, shares, st.booleans(), st.none() | st.just(PERIOD))
@settings(max_examples=400)
def test_the_explanation_evaluates_to_the_amount(price, usage, currency, share, limits, final, period):
    terms = {"share": share, "limits_share": limits, "final": final, "period": period}
    rated = rate_price(price, given_as(price, usage), currency, **terms)
    explanation = explain(rated, {"rule": "test"})
    assert evaluate(rated.tree) == rated.exact.value
    assert verify(explanation, rated.exact.value, rated.rounded)
    assert rated.rounded.minor >= 0
    text = rated.explanation_json({"rule": "test"})
    assert explanation_from_json(text) == explanation
    assert explanation_from_json(text).to_json() == text
    assert rate_price(price, given_as(price, usage), currency, **terms).explanation_json({"rule": "test"}) == text
    assert str(rated.rounded) in explanation.sentence()
    assert explanation.to_text().endswith("rule: test")


@given(prices(), st.lists(usages, min_size=1, max_size=5), currencies, shares, shares)
@settings(max_examples=400)
def test_slices_add_up_to_billing_once(price, slices, currency, share, limits):
    terms = {"share": share, "limits_share": limits, "period": PERIOD}
    billed, minor, exact = None, 0, Fraction(0)
    for index, usage in enumerate(slices):
        before = None if billed is None else given_as(price, billed)
        final = index == len(slices) - 1
        cut = rate_price(price, given_as(price, usage), currency, billed=before, final=final, **terms)
        assert evaluate(cut.tree) == cut.exact.value
        assert verify(explain(cut), cut.exact.value, cut.rounded)
        minor, exact = minor + cut.rounded.minor, exact + cut.exact.value
        billed = (billed or ()) + usage
    whole = rate_price(price, given_as(price, billed), currency, **terms)
    if keeps_more(price, currency):
        assert exact == whole.exact.value
    else:
        assert minor == whole.rounded.minor


@given(prices(), usages, usages, shares)
def test_components_add_up(price, earlier, usage, share):
    deferred = Price(price.model, replace(price.adjustments, rounding=RoundingPolicy(deferred=True)))
    for billed in (None, given_as(price, earlier)):
        rated = rate_price(deferred, given_as(price, usage), "EUR", billed=billed, share=share)
        steps = (each.exact for each in rated.components if each.name != "free units")
        assert sum(steps, Fraction(0)) == rated.exact.value


@given(prices())
def test_prices_travel_as_json(price):
    text = price_to_json(price)
    assert price_from_json(text) == price
    assert price_from_json(price_to_object(price)) == price
    assert price_to_json(price_from_json(text)) == text


@given(quantity_models, values)
def test_a_price_without_adjustments_is_its_model(model, quantity):
    rated = rate_price(Price(model), quantity, "EUR")
    stepwise = rate_price(Price(model, Adjustments(maximum=Fraction(10**20))), quantity, "EUR")
    assert (rated.exact, rated.rounded, rated.quantity) == (stepwise.exact, stepwise.rounded, stepwise.quantity)
    assert rated.rounded == round_amount(rated.exact)


def percentage_by_definition(model, amounts):
    """The words of the percentage model, event by event; for amounts that are not negative."""
    total = volume = Fraction(0)
    count, ended = 0, not (model.free_events or model.free_volume)
    for amount in amounts:
        ended = ended or bool(model.free_events and count >= model.free_events)
        ended = ended or bool(model.free_volume and volume >= model.free_volume)
        paid = amount if ended else Fraction(0)
        if not ended and model.free_volume and volume + amount > model.free_volume:
            paid, ended = volume + amount - model.free_volume, True
        count, volume = count + 1, volume + amount
        if ended:
            fee = paid * model.rate_percent / 100 + model.fixed_amount
            fee = max(fee, model.event_minimum) if model.event_minimum is not None else fee
            total += min(fee, model.event_maximum) if model.event_maximum is not None else fee
    return total if volume > 0 else Fraction(0)


@given(percentages(), st.lists(values.map(abs), max_size=8))
def test_a_percentage_is_what_its_words_say(model, carried):
    rated = rate_price(Price(model), [Event(each) for each in carried], "EUR")
    assert rated.exact.value == percentage_by_definition(model, carried)


def time_weighted_by_definition(model, usage):
    """Whole units one by one, each in its tier."""
    stock, most, total = 0, 0, Fraction(0)
    for event in usage:
        step = 1 if event.value > 0 else -1
        for _ in range(abs(int(event.value))):
            position = max(stock, stock + step)
            tier = next((tier for tier in model.tiers if tier.up_to is None or position <= tier.up_to), None)
            total += step * event.weight * tier.unit_amount if position > 0 else 0
            stock += step
        most = max(most, stock)
    flats, above = Fraction(0), Fraction(0)
    for tier in model.tiers:
        if most > above or (above == 0 and model.first_tier_flat_at_zero):
            flats += tier.flat_amount
        above = tier.up_to
    return max(total, Fraction(0)) + flats if stock >= 0 else Fraction(0)


@st.composite
def whole_tiers(draw):
    up_to = [*sorted(draw(st.sets(st.integers(1, 12), max_size=3))), None]
    return tuple(Tier(None if each is None else Fraction(each), draw(amounts), draw(amounts)) for each in up_to)


weighted = st.builds(
    Event,
    st.integers(-8, 15).map(Fraction),
    weight=st.integers(0, 31).map(lambda days: Fraction(days, 31)),
)


@given(st.builds(TimeWeighted, whole_tiers(), st.booleans()), st.lists(weighted, max_size=6))
def test_time_weighted_units_are_what_their_words_say(model, usage):
    assert rate_price(Price(model), usage, "EUR").exact.value == time_weighted_by_definition(model, usage)


@given(prices(), usages)
def test_the_order_of_dated_events_does_not_matter(price, usage):
    times = [event.at for event in usage]
    if len(set(times)) == len(times) and price.measure is not Measure.QUANTITY:
        assert rate_price(price, usage[::-1], "EUR").exact == rate_price(price, usage, "EUR").exact


@pytest.mark.parametrize("after_maximum", [False, True])
def test_more_usage_never_costs_less_under_limits(after_maximum):
    limits = Adjustments(
        minimum=Fraction(5), maximum=Fraction(20), discount_percent=Fraction(10), discount_after_maximum=after_maximum
    )
    price = Price(PerUnit(Fraction(1)), limits)
    found = [rate_price(price, Fraction(quantity), "EUR").rounded.minor for quantity in range(30)]
    assert found == sorted(found)
    assert (found[0], found[-1]) == (500, 1800 if after_maximum else 2000)
