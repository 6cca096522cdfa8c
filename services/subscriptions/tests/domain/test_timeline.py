"""What a support person reads of each kind of change."""

import pytest
from billing_subscriptions.domain.history import ChangeRecord
from billing_subscriptions.domain.step import StepKind
from billing_subscriptions.domain.timeline import SENTENCES, summary
from subscriptions_builders import utc

TEAM, BUSINESS = "0198a000-0000-7000-8000-000000000001", "0198a000-0000-7000-8000-000000000002"
NAMES = {TEAM: "team v1", BUSINESS: "business v2"}
MOVED = {"plan_version_id": (TEAM, BUSINESS)}
APRIL, MAY, NOON = "2026-04-01T00:00:00+00:00", "2026-05-01T00:00:00+00:00", "2026-04-10T12:30:00+00:00"
FEE, SEATS = {"id": "1", "code": "fee", "quantity": "1"}, {"id": "2", "code": "seats", "quantity": "3"}
MORE = {**SEATS, "quantity": "5"}
PAUSE = {"since": NOON, "resume_at": MAY, "billing": "HOLD"}
WAITS = {"id": "3", "at": APRIL, "phase_code": ""}
PHASE = {"id": "4", "at": MAY, "phase_code": "intro"}
TEN = {"redemption_id": "5", "code": "ten"}


def new(**fields):
    return {name: (None, value) for name, value in fields.items()}


CASES = [
    (
        "CREATED",
        new(plan_version_id=TEAM, state="TRIALING", started_at=APRIL, items=[FEE, SEATS]),
        "Created on team v1, trialing, begins 2026-04-01 with fee, seats × 3.",
    ),
    ("STARTED", {"next_due_at": (APRIL, MAY)}, "Started, next billed on 2026-05-01."),
    ("STARTED", {"state": ("SCHEDULED", "ACTIVE"), "next_due_at": (APRIL, None)}, "Started, active."),
    ("TRIAL_ENDED", {"state": ("TRIALING", "PAUSED")}, "The trial ended, paused."),
    (
        "RENEWED",
        {"period_start": (APRIL, MAY), "period_end": (MAY, NOON)},
        "Renewed for 2026-05-01 to 2026-04-10 12:30 UTC.",
    ),
    ("RENEWED", {}, "A billing date was passed."),
    ("UPGRADE", MOVED, "Upgraded from team v1 to business v2."),
    (
        "DOWNGRADE",
        {**MOVED, "items": ([FEE, SEATS], [FEE])},
        "Downgraded from team v1 to business v2: seats removed.",
    ),
    ("QUANTITY_CHANGED", {"items": ([SEATS], [MORE])}, "Quantity of seats from 3 to 5."),
    ("INTERVAL_CHANGED", MOVED, "Billing interval changed from team v1 to business v2."),
    ("ITEM_ADDED", {"items": ([FEE], [FEE, SEATS])}, "Items added: seats added × 3."),
    ("ITEM_REMOVED", {"items": ([FEE, SEATS], [FEE])}, "Items removed: seats removed."),
    (
        "PRICE_OVERRIDDEN",
        {"items": ([FEE, SEATS], [FEE, {**SEATS, "own": {"item": {}}}])},
        "Prices of seats for this subscription alone.",
    ),
    ("CHANGE_SCHEDULED", {"scheduled": ([], [WAITS])}, "A change was planned for 2026-04-01."),
    (
        "CHANGE_UNSCHEDULED",
        {"scheduled": ([WAITS, PHASE], [PHASE])},
        "The change planned for 2026-04-01 was taken back.",
    ),
    ("SCHEDULE_SET", {"scheduled": ([], [PHASE])}, "The schedule is now intro from 2026-05-01."),
    ("SCHEDULE_SET", {"scheduled": ([PHASE], [])}, "The schedule was cleared."),
    (
        "PAUSE_SCHEDULED",
        {"pause": (None, PAUSE)},
        "A pause was planned from 2026-04-10 12:30 UTC until 2026-05-01, billing hold.",
    ),
    ("PAUSED", {"pause": (None, {**PAUSE, "resume_at": None})}, "Paused, billing hold."),
    ("PAUSED", {"state": ("ACTIVE", "PAUSED")}, "Paused as planned."),
    ("RESUMED", {"pause": (PAUSE, None)}, "Runs again."),
    ("CANCEL_SCHEDULED", {"ends_at": (None, MAY)}, "Will end on 2026-05-01."),
    ("CANCEL_UNDONE", {"ends_at": (MAY, None)}, "The planned end was taken back."),
    ("CANCELED", {"canceled_at": (None, NOON)}, "Canceled as of 2026-04-10 12:30 UTC."),
    ("EXPIRED", {"state": ("ACTIVE", "EXPIRED")}, "Expired."),
    ("ACTIVATED", {"state": ("INCOMPLETE", "ACTIVE")}, "Active: the first payment came."),
    ("PAST_DUE", {"unpaid": (False, True)}, "Past due: a payment failed."),
    ("PAID", {"unpaid": (True, False)}, "All invoices are paid."),
    ("COUPON_REDEEMED", {"coupons": ([], [TEN])}, "Coupon ten redeemed."),
    ("COUPON_REMOVED", {"coupons": ([TEN], [])}, "Coupon ten removed."),
    (
        "RELABELED",
        {"external_id": (None, "crm-7"), "metadata": ({}, {})},
        "External id from none to crm-7, labels changed.",
    ),
    ("RELABELED", {"metadata": ({}, {"a": "1"})}, "Labels changed."),
    ("VERSION_MOVED", MOVED, "Moved to the newer version from team v1 to business v2."),
    (
        "IMPORTED",
        new(plan_version_id=TEAM, state="ACTIVE", billed_from=MAY),
        "Taken over on team v1 as it was, active, billed here from 2026-05-01.",
    ),
    ("MIGRATED", MOVED, "Moved in bulk from team v1 to business v2."),
]


def test_every_kind_has_its_sentence():
    assert {kind for kind, _, _ in CASES} == set(SENTENCES) == {each.value for each in StepKind}


@pytest.mark.parametrize(("kind", "changed", "expected"), CASES)
def test_sentences(kind, changed, expected):
    at = utc("2026-04-01")
    record = ChangeRecord(2, kind, at, at, "user:alice", "", "", changed, ())
    assert summary(record, NAMES) == expected
