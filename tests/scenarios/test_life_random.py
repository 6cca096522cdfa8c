"""Random lives: whatever is done in whatever order, previews tell what comes and every book is kept."""

import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from billing.common.v1.money_pb2 import Money
from billing.common.v1.price_model_pb2 import PerUnitModel, PriceModel
from billing.subscriptions.v1.plan_pb2 import PlanItem
from billing.subscriptions.v1.policy_pb2 import (
    ALIGNMENT_KIND_CALENDAR,
    CHANGE_WHEN_NOW,
    CHANGE_WHEN_ON_DATE,
    CHANGE_WHEN_PERIOD_END,
    CHANGE_WHEN_UNSPECIFIED,
    PRORATION_BASIS_BY_DAYS,
    SETTLEMENT_AT_ONCE,
    SETTLEMENT_NEXT_INVOICE,
    SETTLEMENT_NO_CREDIT,
    TIER_WINDOWS_CONTINUE,
    TIER_WINDOWS_RESTART,
    Alignment,
    MinimumCommitment,
    PlanTerms,
    Proration,
)
from billing.subscriptions.v1.subscription_pb2 import (
    PAUSE_BILLING_BILL,
    PAUSE_BILLING_HOLD,
    PAUSE_BILLING_VOID,
    AddOnQuantity,
    PriceOverride,
    SubscriptionChange,
)
from billing.subscriptions.v1.subscriptions_service_pb2 import (
    CANCEL_AT_NOW,
    CANCEL_AT_ON_DATE,
    RedeemCouponRequest,
    UndoCancelSubscriptionRequest,
)
from billing.usage.v1.meter_pb2 import METER_AGGREGATION_SUM

from tests.scenarios import catalogue, life_shelf
from tests.scenarios.callers import refusal
from tests.scenarios.catalogue import flat, metered, seats
from tests.scenarios.life_checks import check_end
from tests.scenarios.life_oracle import at
from tests.scenarios.life_play import YEAR, Life, seats_of
from tests.scenarios.servers import Servers
from tests.scenarios.world import stamp

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

START = at("2025-01-31 02:30")  # a wall time that 30 March does not have
DEEDS = 14
NAMES = ("ada", "ben", "cyd")
TIERS = [("10", "1"), ("", "0.3")]
# What a deed may be refused for: it does not fit what came before it.
REFUSALS = {
    "INVALID_CHANGE",
    "INVALID_TRANSITION",
    "SCHEDULED_CHANGE_CONFLICT",
    "SUBSCRIPTION_CANCELED",
    "SUBSCRIPTION_ITEM_NOT_FOUND",
    "NOT_CANCELING",
    "COUPON_APPLIED",
    "INVALID_CHANGE_TIME",
}

Deed = Callable[[], Awaitable[Any]]


def items(base: str, seat: str) -> list[PlanItem]:
    fees = [flat("base", base), seats("seat", seat), flat("support", "3.33", arrears=True)]
    return [*fees, metered("api", "api", TIERS)]


class Dice:
    """Whatever may be done to one of the subscriptions, chosen by chance."""

    def __init__(self, life: Life, seed: int, plans: list[str]) -> None:
        self.life, self.plans, self.chance = life, plans, random.Random(seed)
        self.refused: list[str] = []

    def deed(self, name: str) -> Deed:
        deeds = [self.seats, self.plan, self.add_on, self.price, self.pause, self.resume, self.resume, self.leave]
        return self.chance.choice(deeds)(name)

    def wishes(self) -> dict[str, Any]:
        settlements = [0, SETTLEMENT_AT_ONCE, SETTLEMENT_NEXT_INVOICE, SETTLEMENT_NO_CREDIT]
        whens = [CHANGE_WHEN_UNSPECIFIED, CHANGE_WHEN_NOW, CHANGE_WHEN_PERIOD_END]
        wished: dict[str, Any] = {"settlement": self.chance.choice(settlements), "when": self.chance.choice(whens)}
        if self.chance.random() < 0.3:
            wished["proration"] = Proration(basis=PRORATION_BASIS_BY_DAYS)
        if self.chance.random() < 0.2:
            wished |= {"when": CHANGE_WHEN_ON_DATE, "effective_time": stamp(self.soon())}
        return wished

    def soon(self) -> datetime:
        return self.life.world.now + timedelta(days=self.chance.randint(0, 40), hours=5)

    def seats(self, name: str) -> Deed:
        change, wishes = seats_of(str(self.chance.randint(0, 7))), self.wishes()
        return lambda: self.life.change(name, change, **wishes)

    def plan(self, name: str) -> Deed:
        change, wishes = SubscriptionChange(plan_version_id=self.chance.choice(self.plans)), self.wishes()
        return lambda: self.life.change(name, change, **wishes)

    def add_on(self, name: str) -> Deed:
        add = SubscriptionChange(add_ons=[AddOnQuantity(add_on_code="backup")])
        change = self.chance.choice([add, SubscriptionChange(remove_codes=["backup"])])
        wishes = self.wishes()
        return lambda: self.life.change(name, change, **wishes)

    def pause(self, name: str) -> Deed:
        billing = self.chance.choice([PAUSE_BILLING_VOID, PAUSE_BILLING_BILL, PAUSE_BILLING_HOLD])
        until = self.life.world.now + timedelta(days=self.chance.randint(1, 50), hours=7)
        return lambda: self.life.pause(name, billing=billing, resume_time=stamp(until))

    def resume(self, name: str) -> Deed:
        return lambda: self.life.resume(name)

    def price(self, name: str) -> Deed:
        """Seats at a price of its own, for some periods or for good."""
        price = PriceModel(per_unit=PerUnitModel(unit_amount=f"{self.chance.randint(1, 9)}.49"))
        override = PriceOverride(code="seat", price=price, periods=self.chance.randint(0, 2))
        change, wishes = SubscriptionChange(price_overrides=[override]), self.wishes()
        return lambda: self.life.change(name, change, **wishes)

    def leave(self, name: str) -> Deed:
        """A cancelation that is taken back later, or a coupon."""
        subscription_id, subscriptions = self.life.subscriptions[name], self.life.world.admin.subscriptions

        async def goes() -> None:
            when = stamp(self.soon() + timedelta(days=30))
            await self.life.cancel(name, cancel_at=CANCEL_AT_ON_DATE, effective_time=when, credit=True)

        async def stays() -> None:
            self.life.promised.pop(subscription_id, None)
            await subscriptions.UndoCancelSubscription(UndoCancelSubscriptionRequest(subscription_id=subscription_id))

        async def redeems() -> None:
            self.life.promised.pop(subscription_id, None)
            asked = RedeemCouponRequest(subscription_id=subscription_id, coupon_code="spring")
            await subscriptions.RedeemCoupon(asked)

        return self.chance.choice([goes, stays, redeems])

    async def throw(self, name: str) -> None:
        code, reason = await refusal(self.deed(name)())
        assert code == "OK" or reason in REFUSALS, (code, reason)
        self.refused += [reason] if reason else []
        await self.life.world.settle()


async def versions(life: Life) -> list[str]:
    days = Proration(basis=PRORATION_BASIS_BY_DAYS)
    restart = PlanTerms(tier_windows=TIER_WINDOWS_RESTART, proration=days)
    calendar = PlanTerms(alignment=Alignment(kind=ALIGNMENT_KIND_CALENDAR), tier_windows=TIER_WINDOWS_CONTINUE)
    committed = MinimumCommitment(amount=Money(currency_code="EUR", amount_minor=5000))
    return [
        await life.version("small", items("19.99", "4.44"), terms=PlanTerms(minimum_commitments=[committed])),
        await life.version("middle", items("39.99", "3.33"), terms=restart),
        await life.version("large", items("89.99", "3.33"), terms=calendar),
        await life.version("yearly", items("199.99", "44.44"), interval=YEAR),
    ]


@pytest.mark.parametrize("seed", range(4))
async def test_any_life_keeps_its_books(servers: Servers, seed: int) -> None:
    async with Life.open(servers, START) as life:
        await catalogue.meter(life.world, "api", METER_AGGREGATION_SUM)
        await life_shelf.add_on(life.world, "backup", "7.77")
        await life_shelf.percent_off(life.world, "spring", "33.3", 2)
        plans = await versions(life)
        dice = Dice(life, seed, plans)
        for name, version_id in zip(NAMES, plans, strict=False):
            await life.customer(name)
            await life.start(name, name, version_id, {"seat": "2"})
        for _ in range(DEEDS):
            now = life.world.now + timedelta(days=dice.chance.randint(0, 12), seconds=dice.chance.randint(1, 86_400))
            await life.until(now.replace(microsecond=0))
            used = [
                catalogue.used(f"{name}-{life.world.now}", "api", name, life.world.now, str(dice.chance.randint(1, 9)))
                for name in NAMES
            ]
            await catalogue.ingest(life.world, used)
            for name in NAMES:
                await dice.throw(name)
        for name in NAMES:
            await life.until(life.world.now + timedelta(days=20))
            _, reason = await refusal(life.cancel(name, cancel_at=CANCEL_AT_NOW, credit=True))
            assert reason in ("", "SUBSCRIPTION_CANCELED")
        await life.until(life.world.now + timedelta(days=40))
        assert life.kept
        assert len(dice.refused) < DEEDS * len(NAMES) / 2, dice.refused
        await check_end(life)
