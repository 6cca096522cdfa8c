"""Every state of a payment meets every event."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from billing_kernel.ids import uuid7
from billing_kernel.money import CurrencyMismatch, Money
from billing_payments.domain import collection as rules
from billing_payments.domain import events
from billing_payments.domain.attempt import (
    ANSWERS,
    ATTEMPT_TRANSITIONS,
    DECLINED,
    IN_FLIGHT,
    AttemptState,
    Outcome,
    ask_again_s,
)
from billing_payments.domain.errors import NeedsNoAction, NotRetryable
from billing_payments.domain.payment import CLOSED, TRANSITIONS, PaymentState, open_payment
from billing_payments.domain.payment_method import MethodDraft, attach
from billing_payments.domain.schedule import parse_schedule

S, A = PaymentState, AttemptState
START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
SCHEDULE = parse_schedule(["3", "5"])
NO_RETRIES = parse_schedule(["none"])

SUCCEEDED = Outcome(A.SUCCEEDED, "ref")
SOFT = Outcome(A.SOFT_DECLINED, "ref", "insufficient_funds")
HARD = Outcome(A.HARD_DECLINED, "ref", "card_stolen")
ACTION = Outcome(A.REQUIRES_ACTION, "ref")

FULL, REST = Money("EUR", 4900), Money("EUR", 2900)
METHOD = attach(
    MethodDraft(uuid7(), "sandbox", "tok_succeeds"), method_id=uuid7(), label="", is_default=True, now=START
)


def fresh():
    ids = {"payment_id": uuid7(), "invoice_id": uuid7(), "customer_id": METHOD.customer_id, "subscription_ids": ()}
    return open_payment(**ids, amount=Money("EUR", 4900), invoice_version=2, now=START)


def start(payment, at=START):
    return rules.start_attempt(payment, METHOD, attempt_id=uuid7(), at=at, hold_s=30.0)


def record(payment, outcome, schedule=SCHEDULE):
    return rules.record(payment, outcome, schedule)


def in_state(state):
    """A payment that came to `state` by the rules."""
    made = start(fresh())
    return {
        S.SCHEDULED: fresh,
        S.PROCESSING: lambda: made,
        S.UNKNOWN: lambda: rules.stay_unclear(made),
        S.REQUIRES_ACTION: lambda: record(made, ACTION).payment,
        S.SUCCEEDED: lambda: record(made, SUCCEEDED).payment,
        S.FAILED: lambda: record(made, HARD).payment,
        S.CANCELED: lambda: rules.cancel(fresh(), now=START).payment,
    }[state]()


def wake(payment):
    return rules.wake(replace(payment, next_attempt_at=None), now=START)


def take_rest(payment, minor=2900, version=3, at=START):
    return rules.take_rest(payment, Money("EUR", minor), invoice_version=version, now=at).payment


# What each event makes of each state; an exception type where it is refused or a bug.
EVENTS = {
    "start": (start, {S.SCHEDULED: S.PROCESSING, S.FAILED: S.PROCESSING}, NotRetryable),
    "unclear": (rules.stay_unclear, {S.PROCESSING: S.UNKNOWN, S.UNKNOWN: S.UNKNOWN}, AssertionError),
    "ask": (lambda p: rules.ask(p, hold_s=9), {S.PROCESSING: S.UNKNOWN, S.UNKNOWN: S.UNKNOWN}, AssertionError),
    "confirm": (lambda p: rules.confirm(p, now=START, hold_s=9), {S.REQUIRES_ACTION: S.UNKNOWN}, NeedsNoAction),
    "wait": (lambda p: rules.wait_for_method(p, at=START).payment, {S.SCHEDULED: S.SCHEDULED}, AssertionError),
    "wake": (wake, {S.SCHEDULED: S.SCHEDULED}, AssertionError),
    "cancel": (
        lambda p: rules.cancel(p, now=START).payment,
        dict.fromkeys((S.SCHEDULED, S.REQUIRES_ACTION, S.FAILED, S.CANCELED), S.CANCELED)
        | {state: state for state in (S.PROCESSING, S.UNKNOWN, S.SUCCEEDED)},
        None,
    ),
    **{
        name: (
            lambda p, outcome=outcome: record(p, outcome).payment,
            {S.PROCESSING: after, S.UNKNOWN: after},
            (AssertionError, IndexError),
        )
        for name, outcome, after in [
            ("succeeded", SUCCEEDED, S.SUCCEEDED),
            ("soft decline", SOFT, S.SCHEDULED),
            ("hard decline", HARD, S.FAILED),
            ("action", ACTION, S.REQUIRES_ACTION),
        ]
    },
}


@pytest.mark.parametrize("state", S)
@pytest.mark.parametrize("event", EVENTS)
def test_state_and_event(state, event):
    apply, allowed, refusal = EVENTS[event]
    before = in_state(state)
    assert before.state is state
    if state not in allowed:
        with pytest.raises(refusal):
            apply(before)
        return
    after = apply(before)
    assert after.state is allowed[state]
    assert after is before or after.version == before.version + 1


def test_every_listed_move_is_made_by_some_event():
    made = {(state, after) for _, allowed, _ in EVENTS.values() for state, after in allowed.items()}
    canceled_later = {(S.PROCESSING, S.CANCELED), (S.UNKNOWN, S.CANCELED)}
    listed = {(state, after) for state, following in TRANSITIONS.items() for after in following}
    assert listed == {(a, b) for a, b in made | canceled_later if b in TRANSITIONS[a]}
    assert {(a, b) for a, b in made if b not in TRANSITIONS[a]} == {
        (S.SUCCEEDED, S.SUCCEEDED),
        (S.CANCELED, S.CANCELED),
    }


def test_attempt_states():
    assert set(A) == IN_FLIGHT | ANSWERS
    assert all(not ATTEMPT_TRANSITIONS[state] for state in DECLINED | {A.SUCCEEDED})


def test_an_attempt_of_its_own():
    payment = start(fresh(), START + DAY)
    assert (payment.last.number, payment.last.state, payment.last.attempted_at) == (1, A.PROCESSING, START + DAY)
    assert (payment.last.payment_method_id, payment.last.gateway) == (METHOD.id, "sandbox")
    assert payment.next_attempt_at is None


@pytest.mark.parametrize(
    ("outcome", "event", "code"),
    [
        (SUCCEEDED, events.PaymentSucceeded, None),
        (SOFT, events.PaymentFailed, "insufficient_funds"),
        (HARD, events.PaymentFailed, "card_stolen"),
        (ACTION, events.PaymentRequiresAction, None),
    ],
)
def test_what_is_told(outcome, event, code):
    decision = record(start(fresh(), START + DAY), outcome)
    (told,) = decision.events
    assert (type(told), told.payment, told.at) == (event, decision.payment, START + DAY)
    assert getattr(told, "decline_code", None) == code
    assert (decision.payment.last.reference, decision.payment.last.decline_code) == ("ref", outcome.decline_code)


def test_soft_declines_walk_the_schedule_and_then_the_payment_is_given_up():
    payment, at, due = fresh(), START, []
    while payment.state is S.SCHEDULED:
        payment = record(start(payment, at), SOFT).payment
        at = payment.next_attempt_at
        due.append(at)
    assert due == [START + 3 * DAY, START + 8 * DAY, None]
    assert (payment.state, len(payment.attempts)) == (S.FAILED, 3)


def test_without_retries_the_first_decline_is_the_last():
    assert record(start(fresh()), SOFT, NO_RETRIES).payment.state is S.FAILED


def test_a_hard_decline_plans_nothing_but_may_be_retried_by_hand():
    failed = in_state(S.FAILED)
    assert failed.next_attempt_at is None
    assert record(start(failed, START + DAY), SUCCEEDED).payment.state is S.SUCCEEDED


@pytest.mark.parametrize("state", [S.PROCESSING, S.UNKNOWN])
@pytest.mark.parametrize(
    ("outcome", "after", "event"),
    [
        (SUCCEEDED, S.SUCCEEDED, events.PaymentSucceeded),
        (SOFT, S.CANCELED, events.PaymentCanceled),
        (HARD, S.CANCELED, events.PaymentCanceled),
        (ACTION, S.CANCELED, events.PaymentCanceled),
    ],
)
def test_a_payment_that_is_settled_meanwhile(state, outcome, after, event):
    requested = rules.cancel(in_state(state), now=START).payment
    assert requested.cancel_requested
    assert rules.cancel(requested, now=START).payment is requested
    assert take_rest(requested) is requested
    assert rules.ask(requested, hold_s=1).cancel_requested
    decision = record(requested, outcome)
    assert (decision.payment.state, [type(told) for told in decision.events]) == (after, [event])


@pytest.mark.parametrize("state", [S.SCHEDULED, S.FAILED])
def test_the_next_attempt_asks_for_the_rest(state):
    after = take_rest(in_state(state), at=START + DAY)
    assert (after.amount, after.invoice_version, after.updated_at) == (REST, 3, START + DAY)
    assert after.next_attempt_at == in_state(state).next_attempt_at
    paid = record(start(after), SUCCEEDED).payment
    assert (paid.amount, paid.last.amount) == (REST, REST)


@pytest.mark.parametrize("state", [S.PROCESSING, S.UNKNOWN, S.REQUIRES_ACTION])
@pytest.mark.parametrize(("outcome", "amount"), [(SUCCEEDED, FULL), (SOFT, REST), (HARD, REST), (ACTION, REST)])
def test_the_attempt_under_way_keeps_its_amount(state, outcome, amount):
    after = take_rest(in_state(state))
    assert (after.amount, after.last.amount) == (REST, FULL)
    asked = rules.confirm(after, now=START, hold_s=9) if state is S.REQUIRES_ACTION else after
    decision = record(asked, outcome)
    (told,) = decision.events
    assert (told.payment.amount, decision.payment.last.amount) == (amount, FULL)
    if decision.payment.state in (S.SCHEDULED, S.FAILED):
        assert start(decision.payment).last.amount == REST


@pytest.mark.parametrize("state", S)
@pytest.mark.parametrize("version", [0, 1, 2])
def test_what_is_not_newer_says_nothing(state, version):
    before = in_state(state)
    assert take_rest(before, 100, version) is before
    newer = take_rest(before)
    assert take_rest(newer, 3900, 3) is newer


@pytest.mark.parametrize("state", S)
def test_a_rest_moves_no_state_and_leaves_what_is_closed(state):
    before = in_state(state)
    after = take_rest(before)
    assert (after.state, after.attempts) == (state, before.attempts)
    assert (after is before) == (state in CLOSED)


@pytest.mark.parametrize("minor", [0, -1])
def test_no_rest_is_a_settlement(minor):
    assert take_rest(in_state(S.SCHEDULED), minor).state is S.CANCELED
    assert take_rest(in_state(S.UNKNOWN), minor).cancel_requested


def test_a_rest_in_another_currency_is_refused():
    with pytest.raises(CurrencyMismatch):
        rules.take_rest(fresh(), Money("USD", 100), invoice_version=3, now=START)


def test_waiting_for_a_method():
    decision = rules.wait_for_method(fresh(), at=START + DAY)
    (told,) = decision.events
    assert (type(told), told.decline_code, told.at) == (events.PaymentFailed, "no_payment_method", START + DAY)
    assert (decision.payment.next_attempt_at, decision.payment.attempts) == (None, ())
    assert rules.wake(decision.payment, now=START + 2 * DAY).next_attempt_at == START + 2 * DAY
    assert rules.wake(decision.payment, now=START - DAY).next_attempt_at == START


def test_after_authentication_the_outcome_takes_effect_when_the_customer_confirmed():
    confirmed = rules.confirm(in_state(S.REQUIRES_ACTION), now=START + DAY, hold_s=9)
    (told,) = record(confirmed, SUCCEEDED).events
    assert told.at == START + DAY
    (told,) = record(confirmed, SOFT).events
    assert told.payment.next_attempt_at == START + 4 * DAY


def test_questions_grow_rare():
    assert [ask_again_s(asks) for asks in (0, 1, 2, 3, 6, 7, 1000)] == [0, 1, 2, 4, 32, 60, 60]
    unknown = rules.ask(in_state(S.PROCESSING), hold_s=9)
    assert (unknown.last.asks, unknown.last.hold_s) == (1, 9)
    assert rules.stay_unclear(unknown).last.hold_s == 1
    assert rules.stay_unclear(in_state(S.PROCESSING)).last.hold_s == 0


def test_a_payment_never_changes_before_it_was():
    payment = fresh()
    assert start(payment, START - DAY).updated_at == START


@pytest.mark.parametrize("arguments", [(A.PROCESSING,), (A.SUCCEEDED, "r", "code"), (A.SOFT_DECLINED, "r")])
def test_half_outcomes_are_bugs(arguments):
    with pytest.raises(AssertionError):
        Outcome(*arguments)


def test_nothing_due_is_no_payment():
    with pytest.raises(AssertionError):
        open_payment(
            payment_id=uuid7(),
            invoice_id=uuid7(),
            customer_id=uuid7(),
            subscription_ids=(),
            amount=Money("EUR", 0),
            invoice_version=1,
            now=START,
        )
