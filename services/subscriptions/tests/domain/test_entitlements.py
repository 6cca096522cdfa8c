"""What subscriptions permit: by state, over time, several of them together, against what was used."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import product

import pytest
from billing_kernel.cycle import Cycle, FirstStub
from billing_kernel.ids import uuid7
from billing_kernel.period import Interval, Period
from billing_subscriptions.domain.entitlement import (
    CustomerGrants,
    Granting,
    Limits,
    Reason,
    Use,
    decide,
    granted,
    judge,
    span_of,
    times,
)
from billing_subscriptions.domain.policy import Entitlement, EntitlementReset, MeteredGrant, PastDueAccess
from billing_subscriptions.domain.subscription import State
from billing_subscriptions.storage.grants import grants_from_json, grants_to_json

MONTH = Interval("month")


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


NOW = utc("2026-02-10T12:00")


def calls(limit, reset=EntitlementReset.BILLING_PERIOD, soft=False, feature="api"):
    return Entitlement(feature, metered=MeteredGrant("calls", Fraction(limit), reset, soft))


def granting(*entitlements, state=State.ACTIVE, start="2026-02-01", zone="UTC", access=PastDueAccess.FULL, stops=None):
    started = utc(start)
    cycle = Cycle(started, zone, MONTH, started)
    stops_at = utc(stops) if stops else None
    return Granting(uuid7(), state, started, zone, cycle.period(0), cycle, stops_at, access, entitlements)


def of(*subscriptions):
    return CustomerGrants(uuid7(), subscriptions)


RUNNING = {State.TRIALING, State.ACTIVE, State.PAST_DUE}


@pytest.mark.parametrize("state", list(State))
def test_only_what_runs_grants(state):
    found = decide(of(granting(Entitlement("sso"), state=state)), "sso", NOW)
    assert found.allowed == (state in RUNNING)
    assert found.reason == (Reason.GRANTED if state in RUNNING else Reason.SUBSCRIPTION_NOT_RUNNING)


def test_what_is_canceled_at_the_end_of_its_period_grants_until_then():
    grants = of(granting(Entitlement("sso"), stops="2026-03-01"))
    assert decide(grants, "sso", utc("2026-02-28T23:59")).allowed
    assert decide(grants, "sso", utc("2026-03-01")).reason is Reason.SUBSCRIPTION_NOT_RUNNING


@pytest.mark.parametrize(("access", "essential"), list(product(PastDueAccess, (False, True))))
def test_past_due_keeps_what_the_plan_says(access, essential):
    grants = of(granting(Entitlement("sso", essential=essential), state=State.PAST_DUE, access=access))
    found = decide(grants, "sso", NOW)
    keeps = access is PastDueAccess.FULL or (access is PastDueAccess.ESSENTIAL and essential)
    assert (found.allowed, found.reason) == ((True, Reason.GRANTED) if keeps else (False, Reason.PAST_DUE))


def test_a_feature_that_nobody_grants_and_a_customer_without_subscriptions():
    assert decide(of(granting(Entitlement("sso"))), "audit", NOW).reason is Reason.NOT_GRANTED
    assert decide(of(), "sso", NOW).reason is Reason.NOT_GRANTED


def test_any_of_several_grants_and_one_alone_can_be_asked():
    paused, running = granting(Entitlement("sso"), state=State.PAUSED), granting(Entitlement("sso"))
    assert decide(of(paused, running), "sso", NOW).subscription_id == running.subscription_id
    assert not decide(of(paused, running), "sso", NOW, paused.subscription_id).allowed
    assert decide(of(running), "sso", NOW, uuid7()).reason is Reason.NOT_GRANTED


@pytest.mark.parametrize(
    ("values", "best"),
    [
        (("5", "25"), "25"),
        (("25", "5"), "25"),
        (("9", "10"), "10"),  # as numbers, not as texts
        (("2.5", "2.25"), "2.5"),
        (("gold", "silver"), "silver"),  # of the subscription that began last
        (("5", "unlimited"), "unlimited"),
    ],
)
def test_of_several_values_the_greatest_number_or_the_last_text(values, best):
    first, second = values
    older = granting(Entitlement("seats", first), start="2026-01-01")
    newer = granting(Entitlement("seats", second), start="2026-02-01")
    for grants in (of(older, newer), of(newer, older)):
        assert decide(grants, "seats", NOW).value == best


def test_of_two_that_began_together_an_add_on_comes_after_its_plan():
    assert decide(of(granting(Entitlement("tier", "basic"), Entitlement("tier", "plus"))), "tier", NOW).value == "plus"


def test_a_plain_grant_beside_a_limit_is_without_limit():
    found = decide(of(granting(calls(10)), granting(Entitlement("api"))), "api", NOW)
    assert (found.allowed, found.limit) == (True, None)


def judged(grants, *used, amount=None, adds_up=True):
    limits = decide(grants, "api", NOW)
    assert isinstance(limits, Limits)
    uses = {wanted: Use(Fraction(each), adds_up) for wanted, each in zip(limits.wanted, used, strict=True)}
    return judge(limits, uses, None if amount is None else Fraction(amount))


@pytest.mark.parametrize(
    ("used", "amount", "soft", "allowed", "reason", "remaining"),
    [
        (0, None, False, True, Reason.GRANTED, 100),
        (99, None, False, True, Reason.GRANTED, 1),
        (100, None, False, False, Reason.LIMIT_REACHED, 0),
        (120, None, False, False, Reason.LIMIT_REACHED, 0),
        (90, 10, False, True, Reason.GRANTED, 10),
        (90, "10.5", False, False, Reason.LIMIT_REACHED, 10),
        (100, 0, False, True, Reason.GRANTED, 0),
        (100, None, True, True, Reason.BEYOND_SOFT_LIMIT, 0),
        (90, 11, True, True, Reason.BEYOND_SOFT_LIMIT, 10),
        (90, 10, True, True, Reason.GRANTED, 10),
    ],
)
def test_a_limit_is_held_against_the_use(used, amount, soft, allowed, reason, remaining):
    found = judged(of(granting(calls(100, soft=soft))), used, amount=amount)
    assert (found.allowed, found.reason, found.remaining) == (allowed, reason, remaining)
    assert (found.limit, found.used, found.reset_at) == (100, used, utc("2026-03-01"))


def test_limits_add_up_and_one_span_is_asked_for_once():
    grants = of(granting(calls(100)), granting(calls(50)))
    assert len(decide(grants, "api", NOW).wanted) == 1
    found = judged(grants, 120)
    assert (found.limit, found.used, found.remaining) == (150, 120, 30)


def test_a_span_that_began_later_does_not_pay_for_what_was_used_before():
    early, late = granting(calls(100), start="2026-01-15"), granting(calls(50), start="2026-02-05")
    grants = of(early, late)
    spans = [span for _, span in decide(grants, "api", NOW).wanted]
    assert [span.start for span in spans] == [utc("2026-01-15"), utc("2026-02-05")]
    assert judged(grants, 130, 10).remaining == 40  # 120 before: 20 beyond the 100, then 10 of the 50
    assert judged(grants, 60, 10).remaining == 90
    assert judged(grants, 60, 10).used == 60
    assert judged(grants, 400, 300).remaining == 0
    assert judged(grants, 60, 10).reset_at == utc("2026-02-15")


def test_a_maximum_does_not_add_up():
    early, late = granting(calls(100), start="2026-01-15"), granting(calls(50), start="2026-02-05")
    found = judged(of(early, late), 120, 80, adds_up=False)
    assert (found.limit, found.used, found.remaining) == (150, 120, 30)


@pytest.mark.parametrize(
    ("reset", "zone", "now", "start", "end"),
    [
        (EntitlementReset.BILLING_PERIOD, "UTC", "2026-02-10", "2026-02-01", "2026-03-01"),
        (EntitlementReset.BILLING_PERIOD, "UTC", "2026-05-10", "2026-05-01", "2026-06-01"),  # not renewed yet
        (EntitlementReset.BILLING_PERIOD, "UTC", "2026-01-10", "2026-02-01", "2026-03-01"),
        (EntitlementReset.DAY, "UTC", "2026-02-10T12:00", "2026-02-10", "2026-02-11"),
        (EntitlementReset.DAY, "Europe/Berlin", "2026-03-29T12:00", "2026-03-28T23:00", "2026-03-29T22:00"),  # 23 h
        (EntitlementReset.DAY, "America/New_York", "2026-02-10T03:00", "2026-02-09T05:00", "2026-02-10T05:00"),
        (EntitlementReset.MONTH, "UTC", "2026-12-31T23:59", "2026-12-01", "2027-01-01"),
        (EntitlementReset.MONTH, "Europe/Berlin", "2026-03-31T22:30", "2026-03-31T22:00", "2026-04-30T22:00"),
    ],
)
def test_spans_by_their_reset(reset, zone, now, start, end):
    assert span_of(granting(zone=zone), reset, utc(now)) == Period(utc(start), utc(end))


def test_what_never_resets_counts_from_the_start_and_names_no_reset():
    grants = of(granting(calls(100, EntitlementReset.NEVER), start="2026-01-15"))
    found = judged(grants, 40)
    assert (found.remaining, found.reset_at) == (60, None)
    assert decide(grants, "api", NOW).wanted[0][1].start == utc("2026-01-15")


def test_a_trial_and_the_free_time_before_the_first_boundary_are_spans():
    started, anchor = utc("2026-02-05"), utc("2026-02-19")
    trial = Granting(
        uuid7(),
        State.TRIALING,
        started,
        "UTC",
        Period(started, anchor),
        Cycle(anchor, "UTC", MONTH, anchor),
        None,
        PastDueAccess.FULL,
        (),
    )
    assert span_of(trial, EntitlementReset.BILLING_PERIOD, NOW) == Period(started, anchor)
    later = span_of(trial, EntitlementReset.BILLING_PERIOD, utc("2026-02-20"))
    assert later == Period(anchor, utc("2026-03-19"))
    free = Cycle(utc("2026-03-01"), "UTC", MONTH, utc("2026-02-05"), FirstStub.NONE)
    stub = Granting(
        uuid7(),
        State.ACTIVE,
        started,
        "UTC",
        Period(started, started + timedelta(hours=1)),
        free,
        None,
        PastDueAccess.FULL,
        (),
    )
    assert span_of(stub, EntitlementReset.BILLING_PERIOD, NOW) == Period(started, utc("2026-03-01"))


def test_an_add_on_taken_three_times_has_three_times_the_limit():
    assert times(calls(1000), Fraction(3)).metered.limit == 3000
    assert times(Entitlement("sso"), Fraction(3)) == Entitlement("sso")


def test_the_list_names_what_is_granted_now_by_code():
    sso, api = granting(Entitlement("sso"), Entitlement("beta")), granting(calls(100), calls(5, feature="exports"))
    paused = granting(Entitlement("audit"), state=State.PAUSED)
    found = list(granted(of(sso, api, paused), NOW))
    assert [each.feature_code for each in found] == ["api", "beta", "exports", "sso"]
    assert found[0].limits.limit == 100
    assert found[3].subscription_ids == (sso.subscription_id,)


def test_grants_survive_the_shared_cache():
    grants = of(
        granting(Entitlement("sso", "gold", essential=True), calls("12.5", EntitlementReset.DAY, soft=True)),
        granting(state=State.PAST_DUE, access=PastDueAccess.ESSENTIAL, stops="2026-03-01", zone="Europe/Berlin"),
    )
    assert grants_from_json(grants_to_json(grants)) == grants
    assert grants_from_json(grants_to_json(of())).subscriptions == ()


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b"null", b'{"customer_id": 1, "subscriptions": []}', b"\xff"])
def test_bytes_that_are_no_grants_are_a_value_error(raw):
    with pytest.raises(ValueError):
        grants_from_json(raw)
