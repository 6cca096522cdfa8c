"""Random lives: books are kept, windows meet, dues come in order, catching up in one go adds nothing."""

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise

import subscriptions_builders as build
from billing_kernel.cycle import FirstStub
from billing_kernel.errors import DomainError
from billing_subscriptions.domain.boundary import catch_up
from billing_subscriptions.domain.cancel import CancelAt, CancelOrder, cancel, undo_cancel
from billing_subscriptions.domain.change import ChangeOrder, change
from billing_subscriptions.domain.change_matrix import Wishes
from billing_subscriptions.domain.charges import PriceBook
from billing_subscriptions.domain.pause import PauseOrder, pause, resume
from billing_subscriptions.domain.policy import (
    ChangeWhen,
    Settlement,
)
from billing_subscriptions.domain.subscription import Backdating, Change, PauseBilling, State
from hypothesis import given, settings
from hypothesis import strategies as st
from subscriptions_builders import utc
from subscriptions_lives import (
    ALL,
    BASES,
    KNOWN,
    LATE,
    RULES,
    SMALL,
    START,
    YEARLY,
    ZONES,
    changed,
    changes,
    check_credits,
)


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
    if BASES[base].terms.alignment.first_stub is FirstStub.NONE:
        wanted.pop("payment_gated", None)  # is refused: nothing is paid at the start
    steps = [build.started(BASES[base], build.customer(zone=zone), known=ALL, **wanted)]
    for at, kind, changed_to, rule in life:
        steps += catch_up(steps[-1].after, ALL, PriceBook(), now=at)
        steps += act(steps[-1].after, at, kind, changed_to, rule)
    steps += catch_up(steps[-1].after, ALL, PriceBook(), now=LATE)
    if not steps[-1].after.ended:
        steps.append(cancel(steps[-1].after, CancelOrder(CancelAt.NOW), ALL, PriceBook(), now=LATE))
    _check_books(steps)


def _check_books(steps):
    made = [each for step in steps for each in step.made]
    settled = [each for step in steps for each in step.charges]
    check_credits(made)
    last = steps[-1].before
    dropped = last.pending if last is not None and last.state is State.INCOMPLETE else ()  # what was never paid for
    assert Counter(each.id for each in made) == Counter(each.id for each in (*settled, *dropped))  # all is settled once
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
