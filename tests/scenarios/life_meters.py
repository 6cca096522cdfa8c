"""Metered prices of every shape and their usage, each with the same price as plain arithmetic."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from math import ceil

from billing.common.v1.price_model_pb2 import (
    GraduatedModel,
    MatrixCell,
    MatrixModel,
    PackageModel,
    PercentageModel,
    PerUnitModel,
    PriceAdjustments,
    PriceModel,
    PriceTier,
)
from billing.subscriptions.v1.plan_pb2 import PlanItem
from billing.usage.v1.usage_event_pb2 import UsageEvent

from tests.scenarios import catalogue
from tests.scenarios.life_oracle import at, half_up
from tests.scenarios.world import stamp

METERS = ("api", "pay", "pack", "cpu", "disk")


@dataclass(frozen=True)
class Used:
    """One event of the table."""

    meter: str
    at: datetime
    value: Fraction
    region: str = ""


# What a period's usage costs, exact; `part` is the share of a whole period, which bounds alone heed.
Cost = Callable[[Sequence[Used], Fraction], Fraction]


def table(text: str) -> list[Used]:
    """Lines of "meter | Berlin wall time | value | region", in order of time."""
    rows = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]
    found = [Used(meter, at(when), Fraction(value), region) for meter, when, value, region in rows]
    return sorted(found, key=lambda each: each.at)


def events(used: Sequence[Used], who: str) -> list[UsageEvent]:
    return [
        UsageEvent(
            id=f"{who}-{index}",
            source="scenario",
            meter_code=each.meter,
            external_customer_id=who,
            time=stamp(each.at),
            value=format(float(each.value), "g"),
            properties={"region": each.region} if each.region else {},
        )
        for index, each in enumerate(used)
    ]


def item(code: str, price: PriceModel) -> PlanItem:
    made = catalogue.metered(code, code, "0")
    made.price.CopyFrom(price)
    return made


def total(used: Sequence[Used]) -> Fraction:
    return sum((each.value for each in used), Fraction(0))


def graduated(code: str, first: str, then: str) -> tuple[PlanItem, Cost]:
    """2.00 in any case, up to 100 at `first`, beyond at `then`."""
    tiers = [PriceTier(up_to="100", unit_amount=first, flat_amount="2"), PriceTier(unit_amount=then)]

    def cost(used: Sequence[Used], part: Fraction) -> Fraction:
        units = total(used)
        return 2 + min(units, Fraction(100)) * Fraction(first) + max(units - 100, Fraction(0)) * Fraction(then)

    return item(code, PriceModel(graduated=GraduatedModel(tiers=tiers))), cost


def percentage(code: str, rate: str) -> tuple[PlanItem, Cost]:
    """Of what each event carries, and 0.20 for it; the first two are free."""
    model = PercentageModel(rate_percent=rate, fixed_amount="0.20", free_events=2)

    def cost(used: Sequence[Used], part: Fraction) -> Fraction:
        paid = used[2:]
        return total(paid) * Fraction(rate) / 100 + len(paid) * Fraction("0.20")

    return item(code, PriceModel(percentage=model)), cost


def package(code: str, amount: str) -> tuple[PlanItem, Cost]:
    """Of ten, a started one in full."""
    model = PackageModel(size="10", package_amount=amount)

    def cost(used: Sequence[Used], part: Fraction) -> Fraction:
        return ceil(total(used) / 10) * Fraction(amount)

    return item(code, PriceModel(package=model)), cost


def matrix(code: str, eu: str) -> tuple[PlanItem, Cost]:
    """`eu` for one region, 0.10 for all others."""
    cells = [MatrixCell(values=["eu"], unit_amount=eu)]
    model = MatrixModel(dimensions=["region"], cells=cells, default_unit_amount="0.10")

    def cost(used: Sequence[Used], part: Fraction) -> Fraction:
        return sum((each.value * Fraction(eu if each.region == "eu" else "0.10") for each in used), Fraction(0))

    return item(code, PriceModel(matrix=model)), cost


def bounded(code: str, amount: str) -> tuple[PlanItem, Cost]:
    """At least 20.00 and at most 60.00 a whole period."""
    model = PriceModel(
        per_unit=PerUnitModel(unit_amount=amount),
        adjustments=PriceAdjustments(minimum_amount="20", maximum_amount="60"),
    )

    def cost(used: Sequence[Used], part: Fraction) -> Fraction:
        return max(20 * part, min(60 * part, total(used) * Fraction(amount)))

    return item(code, model), cost


def slice_of(
    cost: Cost, before: Sequence[Used], now: Sequence[Used], part_before: Fraction, part: Fraction
) -> Fraction:
    """What all until now costs less what was billed of it before, each rounded to cents."""
    whole = half_up(cost([*before, *now], part_before + part) * 100)
    return Fraction(whole - half_up(cost(before, part_before) * 100), 100)
