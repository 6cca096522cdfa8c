"""Which newer version a renewal takes: the one that was sold at its instant, however late it is claimed."""

from dataclasses import replace

import subscriptions_builders as build
from billing_kernel.period import Interval
from billing_subscriptions.domain.boundary import catch_up
from billing_subscriptions.domain.charges import PriceBook
from billing_subscriptions.domain.plan import archive_version
from billing_subscriptions.domain.policy import PlanTerms, RunningSubscriptions
from subscriptions_builders import billed, renewed, utc

PLAN = build.plan()
ONE = build.version(of=PLAN)


def newer(number, amount, at, rule=RunningSubscriptions.MOVE_AT_RENEWAL, **version):
    terms = PlanTerms(running_subscriptions=rule, effective_at=utc(at))
    return build.version([build.flat(amount)], of=PLAN, number=number, terms=terms, **version)


TWO = newer(2, "59", "2026-02-01")
THREE = newer(3, "69", "2026-02-15")
KNOWN = build.offers(ONE, newer=[TWO, THREE])


def fees(steps):
    return [(str(each.at.date())[5:], billed(each)["base"]) for each in steps if each.due]


def test_a_late_renewal_takes_the_version_of_its_time_and_the_next_one_the_newest():
    made = build.subscription(ONE, start="2026-01-01")
    expected = [("01-01", "49.00 EUR"), ("02-01", "59.00 EUR"), ("03-01", "69.00 EUR")]
    in_time = renewed(made, KNOWN, 3)
    late = catch_up(made, KNOWN, PriceBook(), now=utc("2026-03-20"))
    assert fees(in_time) == fees(late) == expected
    assert [each.after.plan_version_id for each in late] == [ONE.id, TWO.id, THREE.id]
    assert [each.made for each in late] == [each.made for each in in_time]


def test_a_version_of_later_or_of_the_present_is_not_moved_to():
    made = build.subscription(ONE, start="2026-01-01")
    assert fees(renewed(made, build.offers(ONE, newer=[THREE]), 3)) == [
        ("01-01", "49.00 EUR"),
        ("02-01", "49.00 EUR"),
        ("03-01", "69.00 EUR"),
    ]
    newest = build.subscription(THREE, start="2026-03-01")
    assert {fee for _, fee in fees(renewed(newest, build.offers(THREE, newer=[TWO, THREE]), 3))} == {"69.00 EUR"}


def test_a_version_counts_until_it_is_archived():
    made = build.subscription(ONE, start="2026-01-01")
    gone = archive_version(TWO, now=utc("2026-02-10"))
    assert fees(renewed(made, build.offers(ONE, newer=[gone]), 2))[1] == ("02-01", "59.00 EUR")
    before = archive_version(TWO, now=utc("2026-01-10"))
    assert fees(renewed(made, build.offers(ONE, newer=[before]), 2))[1] == ("02-01", "49.00 EUR")


def test_versions_of_other_plans_are_left_alone():
    other = replace(TWO, plan_id=build.plan().id, interval=Interval("month"))
    made = build.subscription(ONE, start="2026-01-01")
    assert fees(renewed(made, build.offers(ONE, newer=[other]), 2))[1] == ("02-01", "49.00 EUR")
