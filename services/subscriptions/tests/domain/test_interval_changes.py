"""Changes to another billing interval: where the new periods lie, and what becomes of an end with the old one."""

import pytest
import subscriptions_builders as build
from billing_kernel.period import Interval, Period
from billing_kernel.proration import Basis, Proration
from billing_subscriptions.domain.cancel import CancelAt
from billing_subscriptions.domain.policy import Alignment, AlignmentKind, ChangeWhen, PlanTerms
from billing_subscriptions.domain.step import StepKind
from billing_subscriptions.domain.subscription import Change, State
from subscriptions_builders import amounts, billed, renewed, utc
from subscriptions_life import canceled, changed, runs

DAYS = Proration(Basis.BY_DAYS)
CALENDAR, DAY_15 = Alignment(AlignmentKind.CALENDAR), Alignment(AlignmentKind.ANCHOR_DAY, 15)


def sold(price, interval, alignment=CALENDAR):
    return build.version([build.flat(price)], Interval(interval), terms=PlanTerms(alignment=alignment, proration=DAYS))


MONTHLY, YEARLY = sold("10", "month"), sold("120", "year")


@pytest.mark.parametrize(
    ("alignment", "end", "charge"),
    [
        (CALENDAR, "2025-01-01", "65.25 EUR"),  # 199/366
        (DAY_15, "2025-06-15", "119.67 EUR"),  # 364/365
        (Alignment(), "2025-06-16", "120.00 EUR"),
    ],
)
def test_the_new_periods_lie_where_the_new_version_aligns_them(alignment, end, charge):
    yearly = sold("120", "year", alignment)
    step = changed(runs(MONTHLY, "2024-06-01"), Change(yearly.id), MONTHLY, yearly, at="2024-06-16", proration=DAYS)
    assert step.after.period == Period(utc("2024-06-16"), utc(end))
    assert amounts(step.made) == {"base/credit": "-5.00 EUR", "base": charge}
    following = renewed(step.after, yearly)[0]
    assert following.after.period.start == utc(end)
    assert billed(following) == {"base": "120.00 EUR"}


def test_a_change_with_the_period_is_aligned_as_well():
    before = runs(MONTHLY, "2024-06-10")
    waiting = changed(before, Change(YEARLY.id), MONTHLY, YEARLY, at="2024-06-16", when=ChangeWhen.PERIOD_END)
    turned = renewed(waiting.after, build.offers(MONTHLY, YEARLY))[0]
    assert turned.after.period == Period(utc("2024-07-01"), utc("2025-01-01"))
    assert billed(turned) == {"base": "60.33 EUR"}  # 184/366


def test_a_change_in_the_trial_or_before_the_start_is_aligned_as_well():
    before = build.subscription(MONTHLY, start="2024-06-01", now="2024-06-01", trial_days=14)
    for begun in (before, build.subscription(MONTHLY, start="2024-06-15", now="2024-06-01")):
        step = changed(begun, Change(YEARLY.id), MONTHLY, YEARLY, at="2024-06-02")
        assert step.made == ()
        first = renewed(step.after, YEARLY)[0]
        assert first.after.period == Period(utc("2024-06-15"), utc("2025-01-01"))
        assert billed(first) == {"base": "65.57 EUR"}  # 200/366


def test_a_cancelation_with_the_end_of_the_period_goes_along_with_the_period():
    before = canceled(runs(MONTHLY, "2024-06-01"), MONTHLY, at="2024-06-10", when=CancelAt.PERIOD_END).after
    after = changed(before, Change(YEARLY.id), MONTHLY, YEARLY, at="2024-06-16", proration=DAYS).after
    assert (after.ends_at, after.cancelation.at) == (utc("2025-01-01"), utc("2025-01-01"))
    end = renewed(after, YEARLY)[0]
    assert (end.kind, end.at, end.after.state) == (StepKind.CANCELED, utc("2025-01-01"), State.CANCELED)


def test_a_cancelation_on_a_date_stays_there():
    before = canceled(
        runs(MONTHLY, "2024-06-01"), MONTHLY, at="2024-06-10", when=CancelAt.ON_DATE, on="2024-06-20", credit=True
    ).after
    after = changed(before, Change(YEARLY.id), MONTHLY, YEARLY, at="2024-06-16", proration=DAYS).after
    assert after.ends_at == utc("2024-06-20")
    (end,) = renewed(after, YEARLY)
    assert amounts(end.made) == {"base/credit": "-63.93 EUR"}  # 195/366
