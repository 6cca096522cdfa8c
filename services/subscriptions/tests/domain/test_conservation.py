"""Chains of changes inside one period conserve the money."""

from dataclasses import replace
from fractions import Fraction

import subscriptions_builders as build
from billing_kernel.period import Period, share
from billing_kernel.proration import Basis, Proration
from billing_pricing import price_from_json
from billing_subscriptions.domain.charges import PriceBook
from billing_subscriptions.domain.pause import PauseOrder, pause, resume
from billing_subscriptions.domain.plan import Timing
from billing_subscriptions.domain.subscription import Change, PauseBilling, PriceOverride
from hypothesis import given, settings
from hypothesis import strategies as st
from subscriptions_builders import renewed
from subscriptions_lives import (
    END,
    KNOWN,
    LARGE,
    RULES,
    SMALL,
    START,
    WHOLE,
    changed,
    changes,
    check_credits,
    early,
    first_period,
    instants,
    paused,
)


@settings(deadline=None)
@given(
    chain=st.lists(st.tuples(early, st.one_of(changes, st.none())), max_size=8),
    rule=st.sampled_from([rule for rule in RULES if rule.basis is not Basis.NONE]),
)
def test_a_chain_of_changes_conserves_the_money_of_the_items_paid_ahead(chain, rule):
    """What is charged less what is given back is the price of each window, exactly, whatever was cut how often."""
    step = first_period()
    made, state = list(step.made), step.after
    windows = [(START, _recurring(state))]
    for at, wanted in sorted(chain, key=lambda each: each[0]):
        if wanted is None:
            turns = [paused(state, at)]
            turns.append(resume(turns[0].after, KNOWN, PriceBook(), now=at))
        else:
            turns = list(changed(state, wanted, at, rule))
        made += [each for turn in turns for each in turn.made]
        state = turns[-1].after if turns else state
        windows.append((at, _recurring(state)))
    check_credits(made)
    if rule == Proration():
        exact = sum((each.priced.exact.value for each in made if each.priced and _ahead(each)), Fraction(0))
        ends = [at for at, _ in windows[1:]] + [END]
        used = sum(
            price * share(Period(at, end), WHOLE) for (at, price), end in zip(windows, ends, strict=True) if end > at
        )
        capped = any(each.credit_of and "left of the charge" in each.priced.explanation for each in made)
        assert capped or exact == used


def _ahead(charge):
    return charge.item.timing is Timing.ADVANCE


def _recurring(state):
    """What all items paid ahead cost a whole period."""
    definitions = {item.id: item for version in (SMALL, LARGE) for item in version.items}
    total, prices = Fraction(0), PriceBook()
    for item in state.items:
        definition = item.own.item if item.own else definitions[item.plan_item_id]
        if definition.timing is Timing.ADVANCE:
            total += prices.price(definition, item.quantity, Fraction(1), "EUR", at=START).exact.value
    return total


@settings(deadline=None)
@given(at=instants, there=st.lists(changes, min_size=1, max_size=7), rule=st.sampled_from(RULES))
def test_back_and_forth_at_one_instant_costs_nothing(at, there, rule):
    state = first_period().after
    made = []
    for wanted in there:
        for step in changed(state, wanted, at, rule):
            made, state = [*made, *step.made], step.after
    back = Change(SMALL.id)
    for wanted in (back, Change(remove_codes=("sms",)), Change(quantities=build.quantities(seats="3"))):
        for step in changed(state, wanted, at, rule):
            made, state = [*made, *step.made], step.after
    if any(item.own for item in state.items):
        price = price_from_json({"model": "per_unit", "unit_amount": "7.33"})
        for step in changed(state, Change(overrides=(PriceOverride("seats", price),)), at, rule):
            made, state = [*made, *step.made], step.after
    assert _recurring(state) == _recurring(first_period().after)
    assert sum(each.rounded_minor for each in made if _ahead(each)) == 0


@settings(deadline=None)
@given(cuts=st.lists(instants, min_size=1, max_size=8, unique=True), rule=st.sampled_from(RULES[:4]))
def test_pauses_of_no_length_leave_the_regular_charge_to_the_minor_unit(cuts, rule):
    of = build.version([build.flat("49.99")], terms=replace(SMALL.terms, proration=rule))
    step = renewed(build.subscription(of), of)[0]
    state, total = step.after, sum(each.rounded_minor for each in step.made)
    for at in sorted(cuts):
        stopped = pause(state, PauseOrder(PauseBilling.VOID), build.offers(of), PriceBook(), now=at)
        again = resume(stopped.after, build.offers(of), PriceBook(), now=at)
        total += sum(each.rounded_minor for each in stopped.made + again.made)
        state = again.after
    if rule.basis is not Basis.BY_DAYS_INCLUSIVE:
        assert total == 4999
