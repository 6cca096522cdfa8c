"""A year of one customer: trial, paid phase, coupons, add-on, seats, upgrade, downgrade, another interval, pauses, and
a cancelation whose credit pays the customer's other subscription."""

from fractions import Fraction

import pytest
from billing.subscriptions.v1.plan_pb2 import PlanItem
from billing.subscriptions.v1.policy_pb2 import PlanPhase, PlanTerms
from billing.subscriptions.v1.subscription_pb2 import (
    PAUSE_BILLING_HOLD,
    PAUSE_BILLING_VOID,
    SUBSCRIPTION_STATE_ACTIVE,
    SUBSCRIPTION_STATE_CANCELED,
    SUBSCRIPTION_STATE_PAUSED,
    SUBSCRIPTION_STATE_TRIALING,
    AddOnQuantity,
    SubscriptionChange,
)
from billing.subscriptions.v1.subscriptions_service_pb2 import CANCEL_AT_NOW

from tests.scenarios import life_shelf
from tests.scenarios.catalogue import flat, seats
from tests.scenarios.life_checks import check_book, check_end
from tests.scenarios.life_oracle import BY_SECONDS, Account, Fee, at, share
from tests.scenarios.life_play import YEAR, Life, seats_of
from tests.scenarios.servers import Servers
from tests.scenarios.world import stamp

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

QUARTER_OFF = Fraction(1, 4)
LAUNCH = Fraction(4, 5)  # the paid phase: 20 % off for two periods


def fees(base: str, seat: str, support: str) -> list[PlanItem]:
    return [flat("base", base), seats("seat", seat), flat("support", support, arrears=True)]


async def sold(life: Life) -> dict[str, str]:
    """Versions by plan; coupons and an add-on beside."""
    await life_shelf.percent_off(life.world, "spring", "25", 3)
    await life_shelf.amount_off_once(life.world, "welcome", 1500)
    await life_shelf.add_on(life.world, "backup", "7.00")
    terms = PlanTerms(phases=[PlanPhase(code="launch", periods=2, discount_percent="20")])
    return {
        "pro": await life.version("pro", fees("49.00", "12.50", "10.00"), trial_days=14, terms=terms),
        "max": await life.version("max", fees("99.00", "10.00", "10.00")),
        "max-year": await life.version("max-year", fees("990.00", "100.00", "120.00"), interval=YEAR),
        "side": await life.version("side", [flat("side", "20.00")]),
    }


async def play(life: Life) -> None:
    plans = await sold(life)
    await life.customer("anna")
    made = await life.start("main", "anna", plans["pro"], {"seat": "3"}, coupon_codes=["spring", "welcome"])
    assert made.state == SUBSCRIPTION_STATE_TRIALING
    await life.until(at("2025-02-01 12:00"))
    await life.change("main", seats_of("5"))
    await life.until(at("2025-02-03"))
    await life.change("main", SubscriptionChange(add_ons=[AddOnQuantity(add_on_code="backup")]))
    await life.until(at("2025-03-31 10:00"))
    await life.change("main", SubscriptionChange(plan_version_id=plans["max"]))
    await life.until(at("2025-04-20"))
    await life.change("main", seats_of("4"))
    await life.until(at("2025-05-20"))
    await life.change("main", SubscriptionChange(plan_version_id=plans["pro"]))
    await life.until(at("2025-05-25"))
    await life.change("main", SubscriptionChange(remove_codes=["backup"]))
    await life.until(at("2025-07-01"))
    await life.change("main", SubscriptionChange(plan_version_id=plans["max-year"]))
    await life.until(at("2025-07-10"))
    await life.start("side", "anna", plans["side"])
    await life.until(at("2025-08-05"))
    await life.pause("side", billing=PAUSE_BILLING_HOLD)
    await life.until(at("2025-09-01"))
    await life.pause("main", billing=PAUSE_BILLING_VOID, resume_time=stamp(at("2025-09-11")))
    await life.until(at("2025-09-20"))
    assert (await life.get("side")).state == SUBSCRIPTION_STATE_PAUSED
    await life.resume("side")
    await life.until(at("2025-11-01"))
    await life.cancel("main", cancel_at=CANCEL_AT_NOW, credit=True)
    await life.until(at("2025-12-15"))
    assert (await life.get("main")).state == SUBSCRIPTION_STATE_CANCELED
    assert (await life.get("main", at("2025-10-01"))).state == SUBSCRIPTION_STATE_ACTIVE


def half_year(account: Account) -> None:
    """From the trial's end to the last month at monthly prices."""
    p0, p1, p2, p3, p4, p5 = (at(f"2025-0{month}-15") for month in range(1, 7))
    base = Fee("base", p0, p1, 49 * LAUNCH)
    three = Fee("seat", p0, p1, 3 * Fraction("12.50") * LAUNCH, "3")
    account.bill(p0, base, three, off=[QUARTER_OFF, 1500])

    more, extra = at("2025-02-01 12:00"), at("2025-02-03")
    left = share(more, p1, p0, p1)
    fewer = three.back(more, 3 * Fraction("12.50") * LAUNCH * left, "QUANTITY_UP")
    five = Fee("seat", more, p1, 5 * Fraction("12.50") * LAUNCH * left, "5", "QUANTITY_UP", BY_SECONDS)
    backup = Fee("backup", extra, p1, 7 * share(extra, p1, p0, p1), "1", "ITEM_ADDED", BY_SECONDS)
    support = Fee("support", p0, p1, 10 * LAUNCH)
    opened = [
        Fee("base", p1, p2, 49 * LAUNCH),
        Fee("seat", p1, p2, 5 * Fraction("12.50") * LAUNCH, "5"),
        Fee("backup", p1, p2, Fraction(7)),
    ]
    account.bill(p1, fewer, five, backup, support, *opened, off=[QUARTER_OFF], again=[(fewer, five)])

    base, five = Fee("base", p2, p3, Fraction(49)), Fee("seat", p2, p3, Fraction("62.5"), "5")
    support = Fee("support", p1, p2, 10 * LAUNCH)
    account.bill(p2, support, base, five, Fee("backup", p2, p3, Fraction(7)), off=[QUARTER_OFF])

    cut = at("2025-03-31 10:00")  # the clocks went forward the day before
    left = share(cut, p3, p2, p3)
    up = [
        base.back(cut, 49 * left, "UPGRADE"),
        Fee("base", cut, p3, 99 * left, "1", "UPGRADE", BY_SECONDS),
        five.back(cut, Fraction("62.5") * left, "UPGRADE"),
        Fee("seat", cut, p3, 50 * left, "5", "UPGRADE", BY_SECONDS),
    ]
    support = Fee("support", p2, p3, Fraction(10))  # costs the same in both plans, so it is not cut
    opened = [
        Fee("base", p3, p4, Fraction(99)),
        Fee("seat", p3, p4, Fraction(50), "5"),
        Fee("backup", p3, p4, Fraction(7)),
    ]
    account.bill(p3, *up, support, *opened)
    opened = [
        Fee("base", p4, p5, Fraction(99)),
        Fee("seat", p4, p5, Fraction(40), "4"),
        Fee("backup", p4, p5, Fraction(7)),
    ]
    account.bill(p4, Fee("support", p3, p4, Fraction(10)), *opened)


def second_half(account: Account) -> None:
    p5, p6, turn, end = at("2025-06-15"), at("2025-07-15"), at("2025-07-01"), at("2026-07-01")
    base, four = Fee("base", p5, p6, Fraction(49)), Fee("seat", p5, p6, Fraction(50), "4")
    account.bill(p5, Fee("support", at("2025-05-15"), p5, Fraction(10)), base, four)

    left = share(turn, p6, p5, p6)
    why = "INTERVAL_CHANGE"
    year, seats_year = (
        Fee("base", turn, end, Fraction(990), "1", why),
        Fee("seat", turn, end, Fraction(400), "4", why),
    )
    support = Fee("support", p5, turn, 10 * (1 - left), "1", why, BY_SECONDS)
    account.bill(turn, base.back(turn, 49 * left, why), year, four.back(turn, 50 * left, why), seats_year, support)
    side = [at(f"2025-{month}-10") for month in ("07", "08", "09", "10", "11", "12")] + [at("2026-01-10")]
    account.bill(side[0], Fee("side", side[0], side[1], Fraction(20)))

    paused, resumed = at("2025-09-01"), at("2025-09-11")
    left, rest = share(paused, end, turn, end), share(resumed, end, turn, end)
    gone = [
        year.back(paused, 990 * left, "PAUSE"),
        seats_year.back(paused, 400 * left, "PAUSE"),
        Fee("support", turn, paused, 120 * (1 - left), "1", "PAUSE", BY_SECONDS),
    ]
    year = Fee("base", resumed, end, 990 * rest, "1", "RESUME", BY_SECONDS)
    seats_year = Fee("seat", resumed, end, 400 * rest, "4", "RESUME", BY_SECONDS)
    account.bill(resumed, *gone, year, seats_year)
    held = [Fee("side", side[1], side[2], Fraction(20)), Fee("side", side[2], side[3], Fraction(20))]
    account.bill(at("2025-09-20"), *held)
    account.bill(side[3], Fee("side", side[3], side[4], Fraction(20)))

    over = at("2025-11-01")
    why = "CANCELATION"
    left = share(over, end, turn, end)
    account.bill(
        over,
        year.back(over, 990 * left, why),
        seats_year.back(over, 400 * left, why),
        Fee("support", resumed, over, 120 * share(resumed, over, turn, end), "1", why, BY_SECONDS),
    )
    account.bill(side[4], Fee("side", side[4], side[5], Fraction(20)))
    account.bill(side[5], Fee("side", side[5], side[6], Fraction(20)))


async def test_a_year_of_changes_comes_to_the_cent(servers: Servers) -> None:
    async with Life.open(servers, at("2025-01-01")) as life:
        await play(life)
        account = Account()
        half_year(account)
        second_half(account)
        await check_book(life, "anna", "year", account)
        assert life.kept == 4, "as often a change was the last before a boundary, and had told what that bills"
        await check_end(life)
