"""Random lives: money is conserved, credits stay within their charges, windows meet, catching up adds nothing."""

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise

import subscriptions_builders as build
from billing_kernel.cycle import FirstStub
from billing_kernel.errors import DomainError
from billing_kernel.money import Money
from billing_kernel.period import Interval, Period, share
from billing_kernel.proration import Basis, Denominator, Proration
from billing_pricing import explanation_from_json, price_from_json
from billing_subscriptions.domain.boundary import catch_up
from billing_subscriptions.domain.cancel import CancelAt, CancelOrder, cancel, undo_cancel
from billing_subscriptions.domain.change import ChangeOrder, change
from billing_subscriptions.domain.change_matrix import Wishes
from billing_subscriptions.domain.charges import PriceBook
from billing_subscriptions.domain.pause import PauseOrder, pause, resume
from billing_subscriptions.domain.plan import Timing
from billing_subscriptions.domain.policy import (
    Alignment,
    AlignmentKind,
    ChangeWhen,
    MinimumCommitment,
    PlanPhase,
    PlanTerms,
    Settlement,
    TermEnd,
    TierWindows,
)
from billing_subscriptions.domain.step import AddOnOffer
from billing_subscriptions.domain.subscription import Backdating, Change, PauseBilling, PriceOverride, State
from hypothesis import given, settings
from hypothesis import strategies as st
from subscriptions_builders import renewed, utc

ITEMS = [build.flat("49.99"), build.seat("7.33"), build.metered(), build.flat("3", Timing.ARREARS, "support")]
SMALL = build.version(ITEMS)
LARGE = build.version([build.flat("149.95"), build.seat("5.55"), build.metered(), build.seat("1", code="tools")])
YEARLY = build.version([build.flat("999"), build.seat("70"), build.metered()], Interval("year"))
SMS = build.version([build.flat("13.37", code="sms")]).items[0]
SETUP = build.version([build.flat("99", code="setup")]).items[0]
KNOWN = build.offers(SMALL, LARGE, YEARLY, sms=AddOnOffer(SMS), setup=AddOnOffer(SETUP, once=True))
RULES = [
    Proration(basis, denominator)
    for basis in (Basis.BY_SECONDS, Basis.BY_DAYS, Basis.BY_DAYS_INCLUSIVE, Basis.NONE)
    for denominator in Denominator
]
START, END = utc("2026-01-01"), utc("2026-02-01")
WHOLE = Period(START, END)
LATE = START + timedelta(days=200)
ZONES = ["UTC", "Europe/Berlin", "Pacific/Apia"]

instants = st.integers(0, 31 * 24 * 60 - 1).map(lambda minutes: START + timedelta(minutes=minutes))
early = instants.filter(lambda at: at < END - timedelta(days=1))  # a credit that rounds to nothing is not made
overrides = st.sampled_from(["1", "12.34"]).map(
    lambda amount: PriceOverride("seats", price_from_json({"model": "per_unit", "unit_amount": amount}))
)
changes = st.one_of(
    st.integers(0, 9).map(lambda seats: Change(quantities={"seats": Fraction(seats)})),
    st.sampled_from([SMALL.id, LARGE.id]).map(Change),
    st.sampled_from([Change(add_ons={"sms": Fraction(1)}), Change(remove_codes=("sms",))]),
    overrides.map(lambda override: Change(overrides=(override,))),
)


def changed(before, wanted, at, rule, settlement=Settlement.NEXT_INVOICE):
    """The steps of a change made at once; none where it is refused."""
    order = ChangeOrder(wanted, Wishes(ChangeWhen.NOW, rule, settlement))
    try:
        return change(before, order, ALL, PriceBook(), now=at)
    except DomainError:
        return ()


def paused(before, at):
    return pause(before, PauseOrder(PauseBilling.VOID), KNOWN, PriceBook(), now=at)


def first_period():
    return renewed(build.subscription(SMALL, quantities=build.quantities(seats="3")), KNOWN)[0]


def check_credits(charges):
    """No credit exceeds what is left of its charge; every id is used once; every explanation gives its amount."""
    made = {each.id: each for each in charges if each.credit_of is None}
    given = defaultdict(int)
    for each in charges:
        if each.credit_of is not None:
            given[each.credit_of.charge_id] -= each.rounded_minor
            assert each.rounded_minor < 0
            assert 0 < each.credit_of.share <= 1
        if each.priced is not None:
            explained = explanation_from_json(each.priced.explanation)
            assert (explained.exact, explained.rounded) == (each.priced.exact, each.priced.rounded)
    assert all(amount <= made[charge_id].rounded_minor for charge_id, amount in given.items())
    assert max(Counter(each.id for each in charges).values(), default=1) == 1


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
    if rule.basis is Basis.BY_DAYS_INCLUSIVE:  # the day on which an add-on is removed was used
        made = [each for each in made if each.item.code != "sms"]
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


@st.composite
def lives(draw):
    """(instant, what is done then) over three months."""
    minutes = draw(st.lists(st.integers(1, 90 * 24 * 60), max_size=10, unique=True))
    acts = [draw(st.integers(0, 9)) for _ in minutes]
    return [
        (START + timedelta(minutes=minute), act, draw(changes), draw(st.sampled_from(RULES)))
        for minute, act in zip(sorted(minutes), acts, strict=True)
    ]


def act(state, at: datetime, kind: int, wanted, rule):
    """The steps of one act, refusals aside."""
    try:
        if kind == 0:
            billing = list(PauseBilling)[at.minute % 3]
            until = at + timedelta(days=at.hour + 1) if at.hour % 2 else None
            when = ChangeWhen.PERIOD_END if at.hour % 3 == 0 and until is None else ChangeWhen.NOW
            return [pause(state, PauseOrder(billing, when, None, until), ALL, PriceBook(), now=at)]
        if kind == 1:
            return [resume(state, ALL, PriceBook(), now=at)]
        if kind == 2:
            order = CancelOrder(CancelAt.ON_DATE, at + timedelta(days=20), credit=True, proration=rule)
            return [cancel(state, order, ALL, PriceBook(), now=at)]
        if kind == 3:
            return [undo_cancel(state, now=at)]
        if kind == 4:
            return list(changed(state, Change(YEARLY.id), at, rule, Settlement.AT_ONCE))
        if kind == 5:
            later = ChangeOrder(wanted, Wishes(ChangeWhen.ON_DATE, rule), at + timedelta(days=9))
            return list(change(state, later, ALL, PriceBook(), now=at))
        if kind == 6:
            return list(change(state, ChangeOrder(wanted), ALL, PriceBook(), now=at))
        if kind == 7:
            return list(changed(state, Change(add_ons={"setup": Fraction(1)}), at, rule))
        return list(changed(state, wanted, at, rule, list(Settlement)[kind % 3]))
    except DomainError:
        return []


MANY_TERMS = [
    PlanTerms(),
    PlanTerms(alignment=Alignment(AlignmentKind.CALENDAR), proration=Proration(Basis.BY_DAYS)),
    PlanTerms(alignment=Alignment(AlignmentKind.ANCHOR_DAY, 31, first_stub=FirstStub.LONG), term_periods=3),
    PlanTerms(
        alignment=Alignment(AlignmentKind.ANCHOR_DAY, 15, first_stub=FirstStub.NONE),
        term_periods=2,
        term_end=TermEnd.EXPIRE,
    ),
    PlanTerms(
        phases=(PlanPhase("intro", 1, Fraction(50)), PlanPhase("then", 2, Fraction(10))),
        minimum_commitments=(MinimumCommitment(Money("EUR", 30000)),),
        proration=Proration(Basis.BY_DAYS_INCLUSIVE),
    ),
    PlanTerms(tier_windows=TierWindows.RESTART, proration=Proration(Basis.NONE)),
]
BASES = [build.version(ITEMS, terms=terms) for terms in MANY_TERMS]
ORDERS = [
    {},
    {},
    {"trial_days": 10},
    {"payment_gated": True},
    {"start": "2025-11-30", "backdating": Backdating.CREDIT},
    {"start": "2025-11-30", "backdating": Backdating.WAIVE},
    {"start": "2025-11-30", "billed_from": utc("2026-01-20")},
    {"start": "2026-01-20"},
    {"ends_at": utc("2026-02-20T13:00")},
]


@settings(deadline=None, max_examples=200)
@given(life=lives(), base=st.integers(0, len(BASES) - 1), order=st.sampled_from(ORDERS), zone=st.sampled_from(ZONES))
def test_any_life_keeps_its_books(life, base, order, zone):
    wanted = {"start": "2026-01-01", "now": "2026-01-01", **order}
    steps = [build.started(BASES[base], build.customer(zone=zone), known=ALL, **wanted)]
    for at, kind, changed_to, rule in life:
        steps += catch_up(steps[-1].after, ALL, PriceBook(), now=at)
        steps += act(steps[-1].after, at, kind, changed_to, rule)
    steps += catch_up(steps[-1].after, ALL, PriceBook(), now=LATE)
    if not steps[-1].after.ended:
        steps.append(cancel(steps[-1].after, CancelOrder(CancelAt.NOW), ALL, PriceBook(), now=LATE))
    _check_books(steps)


ALL = replace(KNOWN, versions={**KNOWN.versions, **{each.id: each for each in BASES}})


def _check_books(steps):
    made = [each for step in steps for each in step.made]
    settled = [each for step in steps for each in step.charges]
    check_credits(made)
    assert Counter(each.id for each in made) == Counter(each.id for each in settled)  # all is settled once
    assert all(step.due is not None for step in steps if step.charges)
    dues = [step.due.id for step in steps if step.due]
    assert len(set(dues)) == len(dues)
    assert [step.after.version for step in steps] == list(range(1, len(steps) + 1))
    assert all(one.after.effective_at <= other.after.effective_at for one, other in pairwise(steps))
    assert all(one.after.period_index <= other.after.period_index for one, other in pairwise(steps))
    assert all(step.after.next_due_at is None or step.after.next_due_at >= step.at for step in steps)
    windows = defaultdict(list)
    for each in made:
        if each.priced is None:
            windows[each.subscription_item_id].append(each.service_period)
    for spans in windows.values():
        assert all(one.end <= other.start for one, other in pairwise(spans))
    assert steps[-1].after.pending == ()
    assert steps[-1].after.state in (State.CANCELED, State.EXPIRED)


@settings(deadline=None)
@given(life=lives(), days=st.integers(1, 150))
def test_catching_up_in_one_go_is_claiming_boundary_by_boundary(life, days):
    state = build.subscription(SMALL)
    for at, kind, wanted, rule in life[:4]:
        caught = catch_up(state, KNOWN, PriceBook(), now=at)
        state = caught[-1].after if caught else state
        done = act(state, at, kind, wanted, rule)
        state = done[-1].after if done else state
    now = START + timedelta(days=100 + days)
    at_once = catch_up(state, KNOWN, PriceBook(), now=now)
    single, one_by_one = state, []
    while single.next_due_at is not None and single.next_due_at <= now:
        (step, *_) = catch_up(single, KNOWN, PriceBook(), now=single.next_due_at)
        one_by_one.append(step)
        single = step.after
    assert [_timeless(each) for each in at_once] == [_timeless(each) for each in one_by_one]


def _timeless(step):
    """A step but for when it was recorded."""
    before, after = (replace(each, updated_at=START) for each in (step.before, step.after))
    return replace(step, before=before, after=after)
