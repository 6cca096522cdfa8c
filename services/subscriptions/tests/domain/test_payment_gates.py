"""Where a start may wait for its first payment: only where a first period is billed at the start."""

import pytest
import subscriptions_builders as build
from billing_kernel.cycle import FirstStub
from billing_subscriptions.domain.errors import InvalidChange
from billing_subscriptions.domain.policy import Alignment, AlignmentKind
from billing_subscriptions.domain.subscription import Backdating, State

MONTHLY = build.version()
FREE = Alignment(AlignmentKind.CALENDAR, first_stub=FirstStub.NONE)
PAID = Alignment(AlignmentKind.CALENDAR, first_stub=FirstStub.SHORT)


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ({"trial_days": 14}, "a trial"),
        ({"trial_days": 14, "start": "2026-02-01", "now": "2026-01-15"}, "a trial"),
        ({"alignment": FREE, "start": "2026-01-15"}, "stub that is free"),
        ({"alignment": FREE, "start": "2026-02-15", "now": "2026-01-15"}, "stub that is free"),
        ({"start": "2025-12-01", "now": "2026-01-01"}, "more than a period"),
        ({"start": "2025-10-01", "now": "2026-01-01", "backdating": Backdating.CREDIT}, "more than a period"),
    ],
)
def test_a_gate_without_a_first_payment_is_refused(order, words):
    with pytest.raises(InvalidChange, match=words) as refusal:
        build.started(MONTHLY, payment_gated=True, **order)
    assert [each.field for each in refusal.value.violations] == ["payment_gated"]
    assert build.started(MONTHLY, **order).after.version == 1


@pytest.mark.parametrize(
    "order",
    [
        {"alignment": PAID, "start": "2026-01-15"},
        {"alignment": FREE, "start": "2026-02-01"},
        {"start": "2025-12-02", "now": "2026-01-01"},
        {"start": "2025-10-01", "now": "2026-01-01", "backdating": Backdating.WAIVE},
    ],
)
def test_a_gate_waits_where_the_first_period_is_billed_at_once(order):
    assert build.started(MONTHLY, payment_gated=True, **order).after.state is State.INCOMPLETE
