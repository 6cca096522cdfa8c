"""Runs and test clocks: pure steps."""

from dataclasses import replace
from datetime import timedelta

import pytest
from billing_invoicing.domain.errors import ClockIsMoving, ClockMovesBackwards, UnknownTimeZone
from billing_invoicing.domain.run import Mode, Run, RunState, Tally, claimed, completed
from billing_invoicing.domain.seller import SellerChange, changed, zone_of
from billing_invoicing.domain.test_clock import (
    Phase,
    TestClock,
    advance,
    arrived_at,
    billed,
    drained,
    finished,
    next_instant,
    stopped,
)
from billing_kernel.ids import uuid7
from invoicing_builders import FEBRUARY, JANUARY, MARCH, a_seller

RUN = Run(uuid7(), 1, FEBRUARY, Mode.FINAL, RunState.CLAIMING, 0, {}, FEBRUARY)


def test_claiming_goes_on_until_nothing_is_due():
    half = claimed(RUN, published=1000, more=True)
    assert (half.state, half.published) == (RunState.CLAIMING, 1000)
    again = claimed(half, published=900, more=True)  # an older answer that came late
    assert again.published == 1000
    assert claimed(again, published=1500, more=False).state is RunState.SETTLING


@pytest.mark.parametrize(
    ("state", "settled", "complete"),
    [
        (RunState.CLAIMING, 5, False),
        (RunState.SETTLING, 4, False),
        (RunState.SETTLING, 5, True),
        (RunState.COMPLETE, 5, False),
    ],
)
def test_complete_when_settled_is_published(state, settled, complete):
    done = completed(replace(RUN, state=state, published=5), Tally(settled), now=MARCH)
    assert (done is not None) == complete
    if done is not None:
        assert (done.state, done.completed_at) == (RunState.COMPLETE, MARCH)


def test_an_empty_run_is_complete_at_once():
    assert completed(claimed(RUN, published=0, more=False), Tally(), now=MARCH) is not None


def test_a_clock_goes_forward_to_one_target():
    moving = advance(TestClock(JANUARY), MARCH)
    assert (moving.phase, moving.settled, moving.target) == (Phase.STEPPING, False, MARCH)
    assert advance(moving, MARCH) is moving
    with pytest.raises(ClockIsMoving):
        advance(moving, FEBRUARY)
    with pytest.raises(ClockMovesBackwards):
        advance(TestClock(MARCH), FEBRUARY)


@pytest.mark.parametrize(
    ("dues", "idle", "expected"),
    [
        ((None, None), False, MARCH),
        ((FEBRUARY, None), False, FEBRUARY),
        ((MARCH + timedelta(days=1), FEBRUARY), False, FEBRUARY),
        ((MARCH + timedelta(days=1), None), False, MARCH),
        ((JANUARY - timedelta(days=9), FEBRUARY), False, JANUARY),  # overdue: at once
        ((JANUARY - timedelta(days=9), FEBRUARY), True, FEBRUARY),  # but not for ever
    ],
)
def test_the_next_instant(dues, idle, expected):
    assert next_instant(replace(advance(TestClock(JANUARY), MARCH), idle=idle), dues) == expected


def test_quiet_means_two_looks_in_a_row():
    clock = billed(arrived_at(advance(TestClock(JANUARY), MARCH), FEBRUARY, uuid7()), 3)
    once = drained(clock, attempted=0, busy=False)
    assert (once.phase, once.quiet) == (Phase.DRAINING, 1)
    disturbed = drained(once, attempted=1, busy=False)
    assert (disturbed.phase, disturbed.quiet, disturbed.moved) == (Phase.DRAINING, 0, 4)
    assert drained(once, attempted=0, busy=True).quiet == 0
    still = drained(once, attempted=0, busy=False)
    assert (still.phase, still.idle, still.run_id) == (Phase.STEPPING, False, None)


def test_a_step_without_any_work_is_idle():
    clock = billed(arrived_at(advance(TestClock(JANUARY), MARCH), FEBRUARY, uuid7()), 0)
    assert drained(drained(clock, attempted=0, busy=False), attempted=0, busy=False).idle


@pytest.mark.parametrize(
    ("now", "steps", "idle", "dues", "expected"),
    [
        (MARCH, 1, False, (None, None), True),
        (MARCH, 0, False, (None, None), False),  # even a target that is reached is drained once
        (FEBRUARY, 5, False, (None, None), False),
        (MARCH, 2, False, (MARCH, None), False),
        (MARCH, 2, True, (MARCH, None), True),
        (MARCH, 2, False, (MARCH + timedelta(seconds=1), None), True),
    ],
)
def test_finished(now, steps, idle, dues, expected):
    clock = replace(advance(TestClock(JANUARY), MARCH), now=now, steps=steps, idle=idle)
    assert finished(clock, dues) is expected


def test_at_rest():
    rest = stopped(replace(advance(TestClock(JANUARY), MARCH), now=MARCH), settled=True)
    assert (rest.now, rest.target, rest.phase, rest.settled) == (MARCH, None, Phase.STANDING, True)


def test_sellers_change_what_is_named_alone():
    before = a_seller()
    after = changed(before, SellerChange(footer="new"), now=MARCH)
    assert after == replace(before, footer="new", version=2, updated_at=MARCH)
    assert changed(before, SellerChange(tax_ids=(), metadata={}), now=MARCH).tax_ids == ()


@pytest.mark.parametrize("name", ["Mars/Base", "", "../etc/passwd", "localtime"])
def test_unknown_zones(name):
    with pytest.raises(UnknownTimeZone):
        zone_of(name)
