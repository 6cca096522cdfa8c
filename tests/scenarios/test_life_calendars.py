"""Periods by the calendar with a short, a long and no first stub, where clocks change, in yen and in dinars."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

import pytest
from billing.common.v1.price_model_pb2 import FlatModel, PerUnitModel, PriceModel
from billing.subscriptions.v1.plan_pb2 import CurrencyPrice, PlanItem
from billing.subscriptions.v1.policy_pb2 import (
    ALIGNMENT_KIND_CALENDAR,
    CHANGE_KIND_QUANTITY_UP,
    CHANGE_WHEN_NOW,
    FIRST_STUB_LONG,
    FIRST_STUB_NONE,
    FIRST_STUB_SHORT,
    PRORATION_BASIS_BY_DAYS,
    SETTLEMENT_NEXT_INVOICE,
    Alignment,
    ChangeRule,
    PlanTerms,
    Proration,
)
from billing.subscriptions.v1.subscriptions_service_pb2 import PreviewBillingScheduleRequest

from tests.scenarios.catalogue import flat, seats
from tests.scenarios.life_checks import check_book, check_end
from tests.scenarios.life_oracle import BY_SECONDS, Account, Fee, at, share
from tests.scenarios.life_play import MONTH, Life, seats_of
from tests.scenarios.servers import Servers
from tests.scenarios.world import stamp

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

BY_DAYS = "BY_DAYS, ACTUAL_PERIOD"
START = at("2025-03-05 10:00", "America/New_York")
MORE = at("2025-03-20 15:00", "America/New_York")
STUBS = {"short": FIRST_STUB_SHORT, "long": FIRST_STUB_LONG, "none": FIRST_STUB_NONE}
PRICES: Mapping[str, Mapping[str, str]] = {
    "base": {"EUR": "9.00", "JPY": "1001", "KWD": "12.345"},
    "seat": {"EUR": "3.00", "JPY": "333", "KWD": "1.111"},
    "support": {"EUR": "5.00", "JPY": "499", "KWD": "3.210"},
}


@dataclass(frozen=True)
class Place:
    """A currency, a zone, and how parts are prorated there: by seconds, or by local days as counted by hand."""

    currency: str
    zone: str
    country: str
    label: str

    @property
    def months(self) -> list[datetime]:
        return [at(f"2025-0{month}-01", self.zone) for month in (3, 4, 5, 6, 7)]

    def stub(self) -> Fraction:
        """March from the start on: the 5th to the 31st."""
        march, april = self.months[:2]
        return share(START, april, march, april) if self.label == BY_SECONDS else Fraction(27, 31)

    def rest(self) -> Fraction:
        """March from the change of seats on: the 20th to the 31st, which is the evening of the 20th in Berlin too."""
        march, april = self.months[:2]
        return share(MORE, april, march, april) if self.label == BY_SECONDS else Fraction(12, 31)

    def price(self, code: str) -> Fraction:
        return Fraction(PRICES[code][self.currency])


YEN = Place("JPY", "America/New_York", "JP", BY_SECONDS)  # the clocks change on 9 March
DINAR = Place("KWD", "Europe/Berlin", "KW", BY_DAYS)  # and on 30 March


def items() -> list[PlanItem]:
    made = [
        flat("base", PRICES["base"]["EUR"]),
        seats("seat", PRICES["seat"]["EUR"]),
        flat("support", PRICES["support"]["EUR"], arrears=True),
    ]
    for item in made:
        for currency in ("JPY", "KWD"):
            amount = PRICES[item.code][currency]
            unit = PriceModel(per_unit=PerUnitModel(unit_amount=amount))
            price = unit if item.code == "seat" else PriceModel(flat=FlatModel(amount=amount))
            item.currency_prices.append(CurrencyPrice(currency_code=currency, price=price))
    return made


def month_of(place: Place, first: int, seat: str) -> list[Fee]:
    """What a whole month costs ahead."""
    start, end = place.months[first : first + 2]
    paid = Fee("seat", start, end, Fraction(seat) * place.price("seat"), seat)
    return [Fee("base", start, end, place.price("base")), paid]


def support(place: Place, start: datetime, end: datetime, part: Fraction = Fraction(1)) -> Fee:
    return Fee("support", start, end, place.price("support") * part, "1", "", "" if part == 1 else place.label)


def short(place: Place) -> Account:
    """The seats are raised within the stub."""
    account, months = Account(place.currency, Fraction(0)), place.months
    stub, rest, unit = place.stub(), place.rest(), place.price("seat")
    three = Fee("seat", START, months[1], 3 * unit * stub, "3", "", place.label)
    account.bill(START, Fee("base", START, months[1], place.price("base") * stub, "1", "", place.label), three)
    fewer = three.back(MORE, 3 * unit * rest, "QUANTITY_UP", proration=place.label)
    five = Fee("seat", MORE, months[1], 5 * unit * rest, "5", "QUANTITY_UP", place.label)
    account.bill(months[1], fewer, five, support(place, START, months[1], stub), *month_of(place, 1, "5"))
    account.bill(months[2], support(place, months[1], months[2]), *month_of(place, 2, "5"))
    account.bill(months[3], support(place, months[2], months[3]), *month_of(place, 3, "5"))
    return account


def long(place: Place) -> Account:
    """The stub joins April."""
    account, months = Account(place.currency, Fraction(0)), place.months
    part = place.stub() + 1
    base = Fee("base", START, months[2], place.price("base") * part, "1", "", place.label)
    account.bill(START, base, Fee("seat", START, months[2], 3 * place.price("seat") * part, "3", "", place.label))
    account.bill(months[2], support(place, START, months[2], part), *month_of(place, 2, "3"))
    account.bill(months[3], support(place, months[2], months[3]), *month_of(place, 3, "3"))
    return account


def none(place: Place) -> Account:
    """March is free."""
    account, months = Account(place.currency, Fraction(0)), place.months
    account.bill(months[1], *month_of(place, 1, "3"))
    account.bill(months[2], support(place, months[1], months[2]), *month_of(place, 2, "3"))
    account.bill(months[3], support(place, months[2], months[3]), *month_of(place, 3, "3"))
    return account


async def shares(life: Life, place: Place, stub: str) -> list[Fraction]:
    """Of the first three periods, as PreviewBillingSchedule answers them."""
    asked = PreviewBillingScheduleRequest(
        start_time=stamp(START),
        time_zone=place.zone,
        interval=MONTH,
        alignment=Alignment(kind=ALIGNMENT_KIND_CALENDAR, first_stub=STUBS[stub]),
        proration=Proration(basis=PRORATION_BASIS_BY_DAYS) if place.label == BY_DAYS else None,
        periods=3,
    )
    periods = (await life.world.admin.subscriptions.PreviewBillingSchedule(asked)).periods
    return [Fraction(int(each.share.numerator), int(each.share.denominator)) for each in periods]


async def test_stubs_by_the_calendar_come_to_the_last_unit(servers: Servers) -> None:
    async with Life.open(servers, START) as life:
        days = Proration(basis=PRORATION_BASIS_BY_DAYS)
        rule = ChangeRule(
            kind=CHANGE_KIND_QUANTITY_UP, when=CHANGE_WHEN_NOW, proration=days, settlement=SETTLEMENT_NEXT_INVOICE
        )
        plans = {
            "JPY": await life.version("seconds", items()),
            "KWD": await life.version("days", items(), terms=PlanTerms(proration=days, change_rules=[rule])),
        }
        for place in (YEN, DINAR):
            for stub, first_stub in STUBS.items():
                name = f"{place.currency.lower()}_{stub}"
                await life.customer(name, place.country, zone=place.zone, currency=place.currency)
                alignment = Alignment(kind=ALIGNMENT_KIND_CALENDAR, first_stub=first_stub)
                await life.start(name, name, plans[place.currency], {"seat": "3"}, alignment=alignment)
            part = place.stub()
            assert await shares(life, place, "short") == [part, 1, 1]
            assert await shares(life, place, "long") == [part + 1, 1, 1]
            assert await shares(life, place, "none") == [0, 1, 1]
        await life.until(MORE)
        for name in ("jpy_short", "kwd_short"):
            await life.change(name, seats_of("5"))
        await life.until(at("2025-06-10"))
        for place in (YEN, DINAR):
            for stub, predicted in (("short", short), ("long", long), ("none", none)):
                name = f"{place.currency.lower()}_{stub}"
                await check_book(life, name, f"calendar_{name}", predicted(place))
        await check_end(life)
