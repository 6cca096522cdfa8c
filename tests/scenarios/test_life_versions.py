"""A newer version of a plan: those who move at renewal take it with their first period behind its effective time."""

from fractions import Fraction

import pytest
from billing.subscriptions.v1.policy_pb2 import (
    CHANGE_WHEN_PERIOD_END,
    RUNNING_SUBSCRIPTIONS_KEEP,
    RUNNING_SUBSCRIPTIONS_MOVE_AT_RENEWAL,
    PlanTerms,
)
from billing.usage.v1.meter_pb2 import METER_AGGREGATION_SUM

from tests.scenarios import catalogue
from tests.scenarios.catalogue import flat, metered, seats
from tests.scenarios.life_checks import check_book, check_end
from tests.scenarios.life_meters import events, table
from tests.scenarios.life_oracle import Account, Fee, at
from tests.scenarios.life_play import Life, seats_of
from tests.scenarios.servers import Servers
from tests.scenarios.world import stamp

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PERIODS = [at("2025-01-31"), at("2025-02-28"), at("2025-03-31"), at("2025-04-30"), at("2025-05-31")]
USED = table("""
api  | 2025-02-27 23:59 | 10  |
api  | 2025-03-10 00:00 | 20  |
api  | 2025-03-31 00:00 | 40  |
""")


def period(index: int, base: str, seat: str, quantity: str) -> list[Fee]:
    start, end = PERIODS[index : index + 2]
    return [Fee("base", start, end, Fraction(base)), Fee("seat", start, end, Fraction(seat) * int(quantity), quantity)]


def used(index: int, quantity: str, unit: str) -> Fee:
    return Fee("api", PERIODS[index], PERIODS[index + 1], Fraction(quantity) * Fraction(unit), quantity)


def moves() -> Account:
    """The version of March is published on 5 February and takes effect on 1 March: the period of 28 February is old."""
    account = Account()
    account.bill(PERIODS[0], *period(0, "20", "3.33", "2"))
    account.bill(PERIODS[1], used(0, "10", "0.5"), *period(1, "20", "3.33", "2"))
    for index, usage in ((2, used(1, "20", "0.5")), (3, used(2, "40", "0.25"))):
        care = Fee("care", PERIODS[index], PERIODS[index + 1], Fraction("1.99"))
        account.bill(PERIODS[index], usage, *period(index, "25", "4.44", "3"), care)
    return account


def keeps() -> Account:
    account = Account()
    account.bill(PERIODS[0], *period(0, "20", "3.33", "2"))
    for index, quantity in ((1, "10"), (2, "20"), (3, "40")):
        seat = "2" if index < 2 else "3"
        account.bill(PERIODS[index], used(index - 1, quantity, "0.5"), *period(index, "20", "3.33", seat))
    return account


async def test_a_newer_version_is_taken_at_renewal_or_left(servers: Servers) -> None:
    async with Life.open(servers, PERIODS[0]) as life:
        await catalogue.meter(life.world, "api", METER_AGGREGATION_SUM)
        old = [flat("base", "20.00"), seats("seat", "3.33"), metered("api", "api", "0.50")]
        new = [flat("base", "25.00"), seats("seat", "4.44"), metered("api", "api", "0.25"), flat("care", "1.99")]
        rules = {"moves": RUNNING_SUBSCRIPTIONS_MOVE_AT_RENEWAL, "keeps": RUNNING_SUBSCRIPTIONS_KEEP}
        for name in rules:
            await life.customer(name)
            await life.start(name, name, await life.version(name, old), {"seat": "2"})
        both = [*events(USED, "moves"), *events(USED, "keeps")]
        life.events = sorted(both, key=lambda event: event.time.ToNanoseconds())
        await life.until(at("2025-02-05"))
        newer = {}
        for name, rule in rules.items():
            terms = PlanTerms(effective_time=stamp(at("2025-03-01")), running_subscriptions=rule)
            newer[name] = await life.version(name, new, terms=terms)
        await life.until(at("2025-03-10"))
        for name in rules:
            assert (await life.get(name)).plan_version_id != newer[name]
            await life.change(name, seats_of("3"), when=CHANGE_WHEN_PERIOD_END)
        await life.until(at("2025-05-10"))
        assert (await life.get("moves")).plan_version_id == newer["moves"]
        assert (await life.get("keeps")).plan_version_id != newer["keeps"]
        await check_book(life, "moves", "version_moves", moves())
        await check_book(life, "keeps", "version_keeps", keeps())
        assert life.kept == 2
        await check_end(life)
