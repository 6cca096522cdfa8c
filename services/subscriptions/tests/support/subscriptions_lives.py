"""What random lives are made of: versions, rules, instants, changes; and what holds of all their charges."""

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

import subscriptions_builders as build
from billing_kernel.cycle import FirstStub
from billing_kernel.errors import DomainError
from billing_kernel.money import Money
from billing_kernel.period import Interval, Period
from billing_kernel.proration import Basis, Denominator, Proration
from billing_pricing import explanation_from_json, price_from_json
from billing_subscriptions.domain.change import ChangeOrder, change
from billing_subscriptions.domain.change_matrix import Wishes
from billing_subscriptions.domain.charges import PriceBook
from billing_subscriptions.domain.pause import PauseOrder, pause
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
from billing_subscriptions.domain.subscription import Change, PauseBilling, PriceOverride
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
ALL = replace(KNOWN, versions={**KNOWN.versions, **{each.id: each for each in BASES}})


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
