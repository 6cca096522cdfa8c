"""Metered items that a change of plan and a pause cut: what was used lies in the right window, tiers go on or start
anew, and where they go on the slices add up to the whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

import pytest
from billing.subscriptions.v1.policy_pb2 import TIER_WINDOWS_CONTINUE, TIER_WINDOWS_RESTART, PlanTerms, TierWindows
from billing.subscriptions.v1.subscription_pb2 import PAUSE_BILLING_VOID, SubscriptionChange
from billing.usage.v1.meter_pb2 import METER_AGGREGATION_SUM

from tests.scenarios import catalogue
from tests.scenarios.catalogue import flat
from tests.scenarios.life_checks import check_book, check_end
from tests.scenarios.life_meters import (
    METERS,
    Cost,
    Used,
    bounded,
    events,
    graduated,
    matrix,
    package,
    percentage,
    slice_of,
    table,
    total,
)
from tests.scenarios.life_oracle import BY_SECONDS, Account, Fee, at, half_up, share
from tests.scenarios.life_play import Life
from tests.scenarios.servers import Servers

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

MARCH, APRIL, MAY = at("2025-03-01"), at("2025-04-01"), at("2025-05-01")
CUT = at("2025-03-17 12:00")
PAUSED, RESUMED = at("2025-04-10 12:00"), at("2025-04-10 18:00")
OLD = {
    "api": graduated("api", "0.10", "0.05"),
    "pay": percentage("pay", "1.5"),
    "pack": package("pack", "3"),
    "cpu": matrix("cpu", "0.20"),
    "disk": bounded("disk", "0.50"),
}
NEW = {
    "api": graduated("api", "0.08", "0.04"),
    "pay": percentage("pay", "1.2"),
    "pack": package("pack", "2.50"),
    "cpu": matrix("cpu", "0.15"),
    "disk": bounded("disk", "0.40"),
}
USED = table("""
api  | 2025-03-02 00:00           | 60    |
api  | 2025-03-17 11:59:59.999999 | 20    |
api  | 2025-03-17 12:00           | 15    |
api  | 2025-03-30 03:00           | 40.5  |
api  | 2025-03-31 23:59:59.999999 | 1     |
api  | 2025-04-01 00:00           | 70    |
api  | 2025-04-10 11:59:59.999999 | 7     |
api  | 2025-04-10 18:00           | 44    |
pay  | 2025-03-05 10:00           | 99.99 |
pay  | 2025-03-17 12:00           | 250   |
pay  | 2025-03-20 10:00           | 33.33 |
pay  | 2025-03-21 10:00           | 10.01 |
pay  | 2025-04-02 10:00           | 80    |
pay  | 2025-04-03 10:00           | 12.34 |
pay  | 2025-04-04 10:00           | 55.55 |
pay  | 2025-04-20 10:00           | 77.77 |
pack | 2025-03-16 10:00           | 15    |
pack | 2025-03-18 10:00           | 4     |
pack | 2025-03-19 10:00           | 2     |
pack | 2025-04-05 10:00           | 1     |
pack | 2025-04-11 10:00           | 9     |
pack | 2025-04-12 10:00           | 0.5   |
cpu  | 2025-03-10 10:00           | 100   | eu
cpu  | 2025-03-11 10:00           | 33    | us
cpu  | 2025-03-25 10:00           | 50    | eu
cpu  | 2025-04-09 10:00           | 7     | eu
cpu  | 2025-04-22 10:00           | 11    | ap
disk | 2025-03-12 10:00           | 70    |
disk | 2025-03-22 10:00           | 100   |
disk | 2025-04-06 10:00           | 10    |
disk | 2025-04-28 10:00           | 21    |
""")


@dataclass(frozen=True)
class Window:
    """A window of metered items: where its tiers `goes_on` from, None where they start with it."""

    start: datetime
    end: datetime
    month: tuple[datetime, datetime]
    goes_on: datetime | None = None
    reason: str = ""

    def fee(self, code: str, cost: Cost) -> Fee:
        now, before = _used(code, self.start, self.end), _used(code, self.goes_on or self.start, self.start)
        part = share(self.start, self.end, *self.month)
        if self.goes_on is None:
            exact = Fraction(half_up(cost(now, part) * 100), 100)
        else:
            exact = slice_of(cost, before, now, share(self.goes_on, self.start, *self.month), part)
        quantity = format(float(total(now)), "g")
        return Fee(code, self.start, self.end, exact, quantity, self.reason, BY_SECONDS)


def _used(code: str, start: datetime, end: datetime) -> Sequence[Used]:
    return [each for each in USED if each.meter == code and start <= each.at < end]


def predicted(goes_on: bool) -> Account:
    account = Account()
    base = Fee("base", MARCH, APRIL, Fraction(30))
    account.bill(MARCH, base)

    left = share(CUT, APRIL, MARCH, APRIL)
    first, second = Window(MARCH, CUT, (MARCH, APRIL), None, "UPGRADE"), Window(CUT, APRIL, (MARCH, APRIL), None)
    if goes_on:
        second = Window(CUT, APRIL, (MARCH, APRIL), MARCH)
    up = [base.back(CUT, 30 * left, "UPGRADE"), Fee("base", CUT, APRIL, 60 * left, "1", "UPGRADE", BY_SECONDS)]
    up += [first.fee(code, OLD[code][1]) for code in METERS]
    base = Fee("base", APRIL, MAY, Fraction(60))
    account.bill(APRIL, *up, *(second.fee(code, NEW[code][1]) for code in METERS), base)

    month = (APRIL, MAY)
    first, second = Window(APRIL, PAUSED, month, None, "PAUSE"), Window(RESUMED, MAY, month)
    if goes_on:
        second = Window(RESUMED, MAY, month, APRIL)
    resumed = Fee("base", RESUMED, MAY, 60 * share(RESUMED, MAY, *month), "1", "RESUME", BY_SECONDS)
    gone = [base.back(PAUSED, 60 * share(PAUSED, MAY, *month), "PAUSE")]
    gone += [first.fee(code, NEW[code][1]) for code in METERS]
    account.bill(RESUMED, *gone, resumed)
    later = [second.fee(code, NEW[code][1]) for code in METERS]
    account.bill(MAY, *later, Fee("base", MAY, at("2025-06-01"), Fraction(60)))
    if goes_on:  # nothing was used in the pause: the slices of an unchanged price are the whole
        for one, other in zip(gone[1:], later, strict=True):
            whole = NEW[one.code][1](_used(one.code, APRIL, MAY), Fraction(1))
            paused = share(PAUSED, RESUMED, *month)
            tolerated = 20 * paused if one.code == "disk" else 0  # the pause has no minimum of its own
            assert abs(one.exact + other.exact - whole) <= Fraction(1, 200) + tolerated, one.code
    return account


async def versions(life: Life, name: str, windows: TierWindows.ValueType) -> tuple[str, str]:
    terms = PlanTerms(tier_windows=windows)
    old = [flat("base", "30.00"), *(each for each, _ in OLD.values())]
    new = [flat("base", "60.00"), *(each for each, _ in NEW.values())]
    return await life.version(f"{name}-old", old, terms=terms), await life.version(f"{name}-new", new, terms=terms)


async def test_cut_windows_bill_what_was_used_in_them(servers: Servers) -> None:
    async with Life.open(servers, MARCH) as life:
        for code in METERS:
            await catalogue.meter(life.world, code, METER_AGGREGATION_SUM)
        goes_on = await versions(life, "on", TIER_WINDOWS_CONTINUE)
        anew = await versions(life, "anew", TIER_WINDOWS_RESTART)
        for name, pair in (("conny", goes_on), ("rita", anew)):
            await life.customer(name)
            await life.start(name, name, pair[0])
        both = [*events(USED, "conny"), *events(USED, "rita")]
        life.events = sorted(both, key=lambda event: event.time.ToNanoseconds())
        await life.until(CUT)
        for name, pair in (("conny", goes_on), ("rita", anew)):
            await life.change(name, SubscriptionChange(plan_version_id=pair[1]))
        await life.until(PAUSED)
        for name in ("conny", "rita"):
            await life.pause(name, billing=PAUSE_BILLING_VOID)
        await life.until(RESUMED)
        for name in ("conny", "rita"):
            await life.resume(name)
        await life.until(at("2025-05-02"))
        await check_book(life, "conny", "metered_continue", predicted(True))
        await check_book(life, "rita", "metered_restart", predicted(False))
        await check_end(life)
