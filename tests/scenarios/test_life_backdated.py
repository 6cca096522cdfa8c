"""Starts in the past: what lies behind is charged, charged and given back, or waived."""

from datetime import datetime
from fractions import Fraction

import pytest
from billing.subscriptions.v1.subscriptions_service_pb2 import (
    BACKDATING_CHARGE,
    BACKDATING_CREDIT,
    BACKDATING_WAIVE,
)
from billing.usage.v1.meter_pb2 import METER_AGGREGATION_SUM

from tests.scenarios import catalogue
from tests.scenarios.catalogue import flat, metered, seats
from tests.scenarios.life_checks import check_book, check_end
from tests.scenarios.life_meters import events, table
from tests.scenarios.life_oracle import BY_SECONDS, Account, Fee, at, share
from tests.scenarios.life_play import Life
from tests.scenarios.servers import Servers
from tests.scenarios.world import stamp

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

NOW = at("2025-03-05 18:00")
PERIODS = [at("2025-01-10"), at("2025-02-10"), at("2025-03-10"), at("2025-04-10"), at("2025-05-10")]
USED = table("""
api  | 2025-01-20 00:00 | 5   |
api  | 2025-03-05 00:00 | 7   |
api  | 2025-03-06 00:00 | 11  |
api  | 2025-03-20 00:00 | 13  |
""")
WHY = "BACKDATED_START"


def ahead(index: int) -> list[Fee]:
    start, end = PERIODS[index : index + 2]
    return [Fee("base", start, end, Fraction("19.99")), Fee("seat", start, end, Fraction("13.32"), "3")]


def behind(index: int, quantity: str) -> list[Fee]:
    start, end = PERIODS[index : index + 2]
    return [Fee("care", start, end, Fraction("5.55")), Fee("api", start, end, Fraction(quantity) / 10, quantity)]


def whole_back(fee: Fee) -> Fee:
    return fee.back(fee.start, fee.exact, WHY)


def part_back(fee: Fee, until: datetime, part: Fraction) -> Fee:
    """What lies before `until`."""
    credit = fee.back(fee.start, fee.exact * part, WHY)
    credit.end = until
    return credit


def charged() -> Account:
    account = Account()
    account.bill(PERIODS[0], *ahead(0))
    account.bill(PERIODS[1], *behind(0, "5"), *ahead(1))
    account.bill(PERIODS[2], *behind(1, "18"), *ahead(2))
    account.bill(PERIODS[3], *behind(2, "13"), *ahead(3))
    return account


def given_back() -> Account:
    """Usage before now is not measured at all; fees are charged and given back up to now."""
    account = Account()
    base, seat = ahead(0)
    account.bill(PERIODS[0], base, whole_back(base), seat, whole_back(seat))
    part = share(PERIODS[1], NOW, PERIODS[1], PERIODS[2])
    care, (base, seat) = behind(0, "5")[0], ahead(1)
    fees = [base, part_back(base, NOW, part), seat, part_back(seat, NOW, part)]
    account.bill(PERIODS[1], care, whole_back(care), *fees)
    care = behind(1, "0")[0]
    api = Fee("api", NOW, PERIODS[2], Fraction(11) / 10, "11", "", BY_SECONDS)
    account.bill(PERIODS[2], care, part_back(care, NOW, part), api, *ahead(2))
    account.bill(PERIODS[3], *behind(2, "13"), *ahead(3))
    return account


def waived() -> Account:
    account = Account()
    part = share(NOW, PERIODS[2], PERIODS[1], PERIODS[2])
    base = Fee("base", NOW, PERIODS[2], Fraction("19.99") * part, "1", "", BY_SECONDS)
    seat = Fee("seat", NOW, PERIODS[2], Fraction("13.32") * part, "3", "", BY_SECONDS)
    account.bill(NOW, base, seat)
    care = Fee("care", NOW, PERIODS[2], Fraction("5.55") * part, "1", "", BY_SECONDS)
    api = Fee("api", NOW, PERIODS[2], Fraction(11) / 10, "11", "", BY_SECONDS)
    account.bill(PERIODS[2], care, api, *ahead(2))
    account.bill(PERIODS[3], *behind(2, "13"), *ahead(3))
    return account


async def test_what_lies_behind_a_start_goes_by_its_rule(servers: Servers) -> None:
    async with Life.open(servers, at("2025-01-01")) as life:
        await catalogue.meter(life.world, "api", METER_AGGREGATION_SUM)
        items = [flat("base", "19.99"), seats("seat", "4.44"), flat("care", "5.55", arrears=True)]
        version_id = await life.version("plain", [*items, metered("api", "api", "0.10")])
        rules = {"carla": BACKDATING_CHARGE, "greta": BACKDATING_CREDIT, "walter": BACKDATING_WAIVE}
        for name in rules:
            await life.customer(name)
        used = [event for name in rules for event in events(USED, name)]
        life.events = sorted(used, key=lambda event: event.time.ToNanoseconds())
        await life.until(NOW)
        for name, rule in rules.items():
            start_time = stamp(PERIODS[0])
            await life.start(name, name, version_id, {"seat": "3"}, start_time=start_time, backdating=rule)
        await life.until(at("2025-04-20"))
        for name, predicted in (("carla", charged()), ("greta", given_back()), ("walter", waived())):
            await check_book(life, name, f"backdated_{name}", predicted)
        await check_end(life)
