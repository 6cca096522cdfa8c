"""The minimum commitment of a whole plan: a partial first month, whole months, and a month cut by the end."""

from datetime import datetime
from fractions import Fraction

import pytest
from billing.common.v1.money_pb2 import Money
from billing.subscriptions.v1.policy_pb2 import (
    ALIGNMENT_KIND_CALENDAR,
    Alignment,
    MinimumCommitment,
    PlanTerms,
)
from billing.subscriptions.v1.subscriptions_service_pb2 import CANCEL_AT_NOW
from billing.usage.v1.meter_pb2 import METER_AGGREGATION_SUM

from tests.scenarios import catalogue
from tests.scenarios.catalogue import flat, metered, seats
from tests.scenarios.life_checks import check_book, check_end
from tests.scenarios.life_meters import Used, events, table, total
from tests.scenarios.life_oracle import BY_SECONDS, Account, Fee, at, half_up, share
from tests.scenarios.life_play import Life, seats_of
from tests.scenarios.servers import Servers

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

START, MORE, OVER = at("2025-01-20 06:00"), at("2025-03-05"), at("2025-03-11 12:00")
JANUARY, FEBRUARY, MARCH, APRIL = (at(f"2025-0{month}-01") for month in (1, 2, 3, 4))
USED = table("""
api  | 2025-01-25 00:00 | 33    |
api  | 2025-02-10 00:00 | 1000  |
api  | 2025-03-02 00:00 | 7     |
""")


def fill_up(start: datetime, end: datetime, part: Fraction, spent: int) -> Fee:
    """What is missing of the commitment, prorated and rounded apart from the fees."""
    return Fee("-", start, end, Fraction(half_up(10000 * part) - spent, 100), "-")


def usage(start: datetime, end: datetime, reason: str = "") -> Fee:
    used: list[Used] = [each for each in USED if start <= each.at < end]
    rule = "" if (start, end) == (FEBRUARY, MARCH) else BY_SECONDS  # by which its bounds would be prorated
    return Fee("api", start, end, total(used) / 10, format(float(total(used)), "g"), reason, rule)


def predicted(credit: bool) -> Account:
    account = Account()
    part = share(START, FEBRUARY, JANUARY, FEBRUARY)
    base = Fee("base", START, FEBRUARY, 30 * part, "1", "", BY_SECONDS)
    seat = Fee("seat", START, FEBRUARY, 10 * part, "2", "", BY_SECONDS)
    account.bill(START, base, seat)

    january = usage(START, FEBRUARY)
    ahead = [Fee("base", FEBRUARY, MARCH, Fraction(30)), Fee("seat", FEBRUARY, MARCH, Fraction(10), "2")]
    spent = base.minor + seat.minor + account.minor(january.exact)
    account.bill(FEBRUARY, january, *ahead, fill_up(START, FEBRUARY, part, spent))
    base, seat = Fee("base", MARCH, APRIL, Fraction(30)), Fee("seat", MARCH, APRIL, Fraction(10), "2")
    account.bill(MARCH, usage(FEBRUARY, MARCH), base, seat)  # 30 + 10 + 100 are enough

    left = share(MORE, APRIL, MARCH, APRIL)
    fewer = seat.back(MORE, 10 * left, "QUANTITY_UP")
    four = Fee("seat", MORE, APRIL, 20 * left, "4", "QUANTITY_UP", BY_SECONDS)
    last = usage(MARCH, OVER, "CANCELATION")
    left = share(OVER, APRIL, MARCH, APRIL)
    fees = [fewer, four]
    if credit:
        fees += [base.back(OVER, 30 * left, "CANCELATION"), four.back(OVER, 20 * left, "CANCELATION")]
    fees.insert(3 if credit else 2, last)
    if credit:
        fees = [fewer, four, fees[2], fees[4], last]
    spent = base.minor + seat.minor + sum(account.minor(each.exact) for each in fees)
    missing = fill_up(MARCH, OVER, 1 - left, spent)
    account.bill(OVER, *fees, *([missing] if missing.exact > 0 else []))
    return account


async def test_a_month_costs_what_was_committed_to(servers: Servers) -> None:
    async with Life.open(servers, START) as life:
        await catalogue.meter(life.world, "api", METER_AGGREGATION_SUM)
        committed = MinimumCommitment(amount=Money(currency_code="EUR", amount_minor=10000))
        terms = PlanTerms(minimum_commitments=[committed], alignment=Alignment(kind=ALIGNMENT_KIND_CALENDAR))
        items = [flat("base", "30.00"), seats("seat", "5.00"), metered("api", "api", "0.10")]
        version_id = await life.version("committed", items, terms=terms)
        for name in ("keeps", "gives"):
            await life.customer(name)
            await life.start(name, name, version_id, {"seat": "2"})
        both = [*events(USED, "keeps"), *events(USED, "gives")]
        life.events = sorted(both, key=lambda event: event.time.ToNanoseconds())
        await life.until(MORE)
        for name in ("keeps", "gives"):
            await life.change(name, seats_of("4"))
        await life.until(OVER)
        await life.cancel("keeps", cancel_at=CANCEL_AT_NOW)
        await life.cancel("gives", cancel_at=CANCEL_AT_NOW, credit=True)
        await life.until(at("2025-04-02"))
        await check_book(life, "keeps", "committed_keeps", predicted(False))
        await check_book(life, "gives", "committed_gives", predicted(True))
        await check_end(life)
