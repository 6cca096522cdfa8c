"""Changes that are refused, with the field; changes that wait, and what contradicts them."""

from dataclasses import replace
from fractions import Fraction

import pytest
import subscriptions_builders as build
from billing_pricing import price_from_json
from billing_subscriptions.domain.catalog_errors import AddOnNotFound, PlanVersionArchived
from billing_subscriptions.domain.change import ChangeOrder, change
from billing_subscriptions.domain.change_matrix import Wishes
from billing_subscriptions.domain.charges import PriceBook
from billing_subscriptions.domain.errors import (
    InvalidChange,
    InvalidChangeTime,
    InvalidPrice,
    InvalidQuantity,
    PlanVersionNotPublished,
    ScheduledChangeConflict,
    SubscriptionItemNotFound,
)
from billing_subscriptions.domain.plan import PlanVersionState
from billing_subscriptions.domain.policy import ChangeWhen
from billing_subscriptions.domain.step import StepKind
from billing_subscriptions.domain.subscription import Change, PriceOverride
from subscriptions_builders import amounts, renewed, utc
from subscriptions_life import changed, runs

NOW = ChangeWhen.NOW

ONE, DRAFT = build.version([build.flat(), build.seat()]), build.version([build.flat("99")])
BOUNDED = build.version([replace(build.seat(), min_quantity="2", max_quantity="9")])
REFUSED = [
    (ONE, Change(), InvalidChange, "change"),
    (ONE, Change(quantities=build.quantities(seats="1")), InvalidChange, "change"),
    (ONE, Change(quantities=build.quantities(nothing="1")), SubscriptionItemNotFound, "quantities[0].code"),
    (ONE, Change(quantities=build.quantities(base="2")), InvalidQuantity, "quantities[0]"),
    (ONE, Change(remove_codes=("base", "nothing")), SubscriptionItemNotFound, "remove_codes[1]"),
    (
        ONE,
        Change(quantities=build.quantities(seats="2"), remove_codes=("seats",)),
        InvalidChange,
        "quantities[0]",
    ),
    (ONE, Change(add_ons={"nothing": Fraction(1)}), AddOnNotFound, "add_ons[0].add_on_code"),
    (BOUNDED, Change(quantities=build.quantities(seats="1")), InvalidQuantity, "quantities[0]"),
    (BOUNDED, Change(quantities=build.quantities(seats="10")), InvalidQuantity, "quantities[0]"),
    (
        ONE,
        Change(overrides=(PriceOverride("base", price_from_json({"model": "per_unit", "unit_amount": "8"})),)),
        InvalidPrice,
        "price_overrides[0].price",
    ),
    (
        ONE,
        Change(overrides=(PriceOverride("seats", price_from_json({"model": "flat", "amount": "8"})),)),
        InvalidPrice,
        "price_overrides[0].price",
    ),
]


@pytest.mark.parametrize(("of", "wanted", "refusal", "field"), REFUSED)
def test_a_change_that_makes_no_sense_is_refused_with_its_field(of, wanted, refusal, field):
    before = runs(of, quantities=build.quantities(seats="2")) if of is BOUNDED else runs(of)
    with pytest.raises(refusal) as refused:
        changed(before, wanted, of, at="2026-01-11")
    assert refused.value.violations[0].field == field


@pytest.mark.parametrize(
    ("state", "refusal"),
    [(PlanVersionState.DRAFT, PlanVersionNotPublished), (PlanVersionState.ARCHIVED, PlanVersionArchived)],
)
def test_only_a_version_that_is_sold_can_be_changed_to(state, refusal):
    with pytest.raises(refusal) as refused:
        changed(runs(ONE), Change(DRAFT.id), ONE, replace(DRAFT, state=state), at="2026-01-11")
    assert refused.value.violations[0].field == "change.plan_version_id"


def ordered(before, wanted, known, *, on=None, at="2026-01-11", replaces=False, when=ChangeWhen.ON_DATE):
    order = ChangeOrder(wanted, Wishes(when=when), utc(on) if on else None)
    return change(before, order, known, PriceBook(), now=utc(at), replaces=replaces)[-1]


def test_dates_in_the_wrong_order_are_refused():
    wanted = Change(quantities=build.quantities(seats="3"))
    for on, when in (("2026-01-10", ChangeWhen.ON_DATE), ("2026-01-20", NOW), (None, ChangeWhen.ON_DATE)):
        with pytest.raises(InvalidChangeTime) as refused:
            ordered(runs(ONE), wanted, build.offers(ONE), on=on, when=when)
        assert refused.value.violations[0].field == "effective_time"


def test_two_contradictory_changes_are_refused_unless_one_replaces_the_other():
    known, first = build.offers(ONE), Change(quantities=build.quantities(seats="3"))
    before = ordered(runs(ONE), first, known, on="2026-01-20").after
    second = Change(quantities=build.quantities(seats="4"))
    with pytest.raises(ScheduledChangeConflict):
        ordered(before, second, known, on="2026-01-20")
    assert len(ordered(before, second, known, on="2026-01-21").after.scheduled) == 2
    replaced = ordered(before, second, known, on="2026-01-20", replaces=True).after
    assert [each.change for each in replaced.scheduled] == [second]


def test_a_change_on_a_date_is_made_then_by_the_rule_of_then():
    known, wanted = build.offers(ONE), Change(quantities=build.quantities(seats="3"))
    before = ordered(runs(ONE), wanted, known, on="2026-01-16T12:00").after
    assert before.next_due_at == utc("2026-01-16T12:00")
    then, renewal = renewed(before, known, 2)
    assert (then.at, then.kind) == (utc("2026-01-16T12:00"), StepKind.QUANTITY_CHANGED)
    assert amounts(then.made) == {"seats/credit": "-5.00 EUR", "seats": "15.00 EUR"}
    assert [str(each.priced.rounded) for each in renewal.charges] == [
        "-5.00 EUR",
        "15.00 EUR",
        "49.00 EUR",
        "30.00 EUR",
    ]
