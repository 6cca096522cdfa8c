"""One price at many quantities: the figures of the tables of others, read from the first tier to the last.

Amounts are as invoiced. A usage is a quantity; a list is of what events carry, or of (units, weight).
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.acceptance.price_cases import (
    LAGO,
    LAGO_PERCENT,
    LAGO_VOLUME,
    METEROID,
    OPENMETER,
    OPENMETER_VOLUME,
    PER_EVENT,
    POLAR,
    STRIPE,
    PriceCase,
)
from tests.acceptance.prices import (
    Json,
    adjusted,
    flat,
    graduated,
    graduated_percentage,
    package,
    per_unit,
    percentage,
    time_weighted,
    volume,
)

Weighted = tuple[tuple[str, str], ...]
Usage = str | list[str] | Weighted


@dataclass(frozen=True, slots=True)
class Ladder:
    """A price and its steps: (usage, amount). `exact`: the amounts are those before rounding."""

    name: str
    price: Json
    steps: tuple[tuple[Usage, str], ...]
    currency: str = "EUR"
    exact: bool = False

    def cases(self) -> tuple[PriceCase, ...]:
        return tuple(self._case(number, usage, amount) for number, (usage, amount) in enumerate(self.steps))

    def _case(self, number: int, usage: Usage, amount: str) -> PriceCase:
        events = [{"value": units, "weight": weight} for units, weight in usage] if isinstance(usage, tuple) else usage
        rounded, exact = (None, amount) if self.exact else (amount, None)
        return PriceCase(f"{self.name}-{number}", self.price, events, rounded, exact, currency=self.currency)


OPENMETER_FOUR = graduated(("5", "0", "100"), ("10", "0", "50"), ("15", "5", "0"), ("", "1", "0"))
STRIPE_GRADUATED = graduated(("5", "7", "0"), ("10", "6.5", "0"), ("", "6", "0"))
POLAR_INCLUDED = graduated(("50", "0", ""), ("100", "20", ""), ("200", "17.5", ""), ("", "15", ""))
CARD = {"fixed_amount": "2", "free_events": "3", "free_volume": "250"}
CARD_EVENTS = ["50", "100", "250", "400"]
BOUNDED = ["10", "80", "10000"]
STOCK = time_weighted(("5", "10", "100"), ("", "5", "50"))
STOCK_OF_ONE = time_weighted(("1", "10", "100"), ("", "5", "50"))
STOCK_OF_THREE = time_weighted(("5", "10", "100"), ("15", "5", "50"), ("", "2", "0"))

LADDERS = (
    Ladder(
        "lago-graduated",
        LAGO,
        (("0", "2"), ("1", "12"), ("10", "102"), ("11", "110"), ("12", "115"), ("20", "155"), ("21", "163")),
    ),
    Ladder("lago-graduated-quiet", {"graduated": {**LAGO["graduated"], "no_flat_at_zero": True}}, (("0", "0"),)),
    Ladder(
        "openmeter-graduated",
        OPENMETER,
        (("0", "100"), ("3", "100"), ("5", "100"), ("5.5", "150"), ("10", "150"), ("15", "200"), ("16", "205")),
    ),
    Ladder("openmeter-four", OPENMETER_FOUR, (("2", "100"), ("8", "150"), ("12", "160"), ("22", "182"))),
    Ladder("meteroid-graduated", METEROID, (("50", "50"), ("100", "100"), ("200", "150"), ("250", "162.5"))),
    Ladder("polar-seats", POLAR, (("1", "10"), ("10", "100"), ("11", "108"), ("50", "420"), ("60", "480")), "USD"),
    Ladder(
        "polar-included",
        POLAR_INCLUDED,
        (("1", "0"), ("50", "0"), ("51", "20"), ("100", "1000"), ("143", "1752.5"), ("201", "2765")),
        "USD",
    ),
    Ladder("polar-fraction", graduated(("10", "100", ""), ("", "80", "")), (("10.5", "1040"),), "USD"),
    Ladder("polar-volume-fraction", volume(("10", "100", ""), ("", "80", "")), (("4.5", "450"), ("10.5", "840"))),
    Ladder(
        "stripe-graduated",
        STRIPE_GRADUATED,
        (("1", "7"), ("5", "35"), ("6", "41.5"), ("10", "67.5"), ("20", "127.5"), ("25", "157.5")),
        "USD",
    ),
    Ladder("stripe-volume", STRIPE, (("0", "0"), ("10", "65"), ("11", "66"), ("25", "150")), "USD"),
    Ladder("lago-volume", LAGO_VOLUME, (("100", "210"), ("200", "200"), ("201", "150.5"), ("300", "200"))),
    Ladder("net-negative", package("10", "100"), (("-5", "0"), ("-0.1", "0"))),
    Ladder(
        "openmeter-volume", OPENMETER_VOLUME, (("3", "100"), ("5", "100"), ("6", "150"), ("15", "150"), ("16", "80"))
    ),
    Ladder("lago-package", package("10", "100"), (("0", "0"), ("1", "100"), ("10", "100"), ("121", "1300"))),
    Ladder("lago-package-free", package("10", "100", "10"), (("10", "0"), ("11", "100"), ("121", "1200"))),
    Ladder("openmeter-package", package("10", "15"), (("1", "15"), ("9", "15"), ("11", "30"), ("60", "90"))),
    Ladder("openmeter-unit-config", package("1000000", "10"), (("1500001", "20"), ("1000000", "10"))),
    Ladder("stripe-transform", package("1000", "0.5"), (("1", "0.5"), ("1001", "1")), "USD"),
    Ladder("lago-standard", per_unit("5.12345"), (("10", "51.2345"), ("0", "0")), exact=True),
    Ladder("yen", per_unit("99.5"), (("1", "100"), ("3", "299"), ("0.001", "0")), "JPY"),
    Ladder("dinar", per_unit("0.0125"), (("1", "0.013"), ("5", "0.063")), "KWD"),
    Ladder("lago-percentage", percentage("1.3", **CARD), ((CARD_EVENTS, "11.15"), ([], "0"))),
    Ladder("lago-percentage-volume", percentage("1.3", fixed_amount="2", free_volume="250"), ((CARD_EVENTS, "11.15"),)),
    Ladder("lago-percentage-events", percentage("1.3", fixed_amount="2", free_events="3"), ((CARD_EVENTS, "7.2"),)),
    Ladder("lago-percentage-paid", percentage("1.3", fixed_amount="2"), ((CARD_EVENTS, "18.4"),)),
    Ladder("lago-percentage-rest", percentage("1.3", **{**CARD, "free_volume": "500"}), ((CARD_EVENTS, "7.2"),)),
    Ladder("lago-percentage-five", percentage("1.3", fixed_amount="2", free_events="5"), ((CARD_EVENTS, "0"),)),
    Ladder("lago-percentage-none", percentage("0", fixed_amount="2"), ((CARD_EVENTS, "8"),)),
    Ladder("lago-percentage-small", percentage("2.9"), ((["1", "1", "1", "1"], "0.116"),), exact=True),
    Ladder("lago-bounds-none", percentage("2.99"), ((BOUNDED, "301.691"),), exact=True),
    Ladder("lago-bounds-fixed", percentage("2.99", fixed_amount="2", **PER_EVENT), ((BOUNDED, "18.691"),), exact=True),
    Ladder("lago-bounds-events", percentage("2.99", free_events="2", **PER_EVENT), ((BOUNDED, "12"),), exact=True),
    Ladder(
        "lago-bounds-both",
        percentage("2.99", free_events="3", free_volume="10000", **PER_EVENT),
        ((BOUNDED, "2.691"),),
        exact=True,
    ),
    Ladder(
        "lago-graduated-percentage",
        LAGO_PERCENT,
        (("1", "200.01"), ("10", "200.10"), ("11", "500.12"), ("12", "500.14"), ("21", "900.33")),
    ),
    Ladder(
        "lago-graduated-percentage-zero",
        {"graduated_percentage": {**LAGO_PERCENT["graduated_percentage"], "no_flat_at_zero": True}},
        (("0", "0"), ("1", "200.01")),
    ),
    Ladder("one-tier-percentage", graduated_percentage(("", "2.5", "")), (("1000", "25"),)),
    Ladder("lago-dynamic", {"dynamic": {"multiplier": "1"}}, ((["0.402"], "0.402"), ([], "0")), exact=True),
    Ladder("openmeter-dynamic", {"dynamic": {"multiplier": "1.33333"}}, ((["10"], "13.33"), ([], "0"))),
    Ladder(
        "lago-prorated",
        STOCK,
        (
            ((), "100"),
            ((("1", "0.7"),), "107"),
            ((("5", "7/10"), ("5", "8/15"), ("10", "1/5"), ("-6", "11/30")), "197.33"),
            ((("2", "7/10"), ("5", "8/15"), ("10", "1/5"), ("-6", "11/30")), "184.33"),
            ((("1", "22/31"), ("4", "12/31"), ("1", "7/31"), ("-5", "5/31"), ("-1", "2/31")), "165.81"),
            ((("5", "0.7"), ("-2", "0.5")), "125"),
            ((("4", "0.7"), ("2", "0.5"), ("-3", "0.2")), "180.5"),
            ((("5", "0.7"), ("2", "0.5"), ("-4", "0.4"), ("10", "0.2")), "190"),
            ((("5", "0.4"), ("-100", "0.3333")), "0"),
            ((("4", "0.4"), ("-100", "0.3333")), "0"),
        ),
    ),
    Ladder("lago-prorated-one", STOCK_OF_ONE, (((("1", "0.7"),), "107"),)),
    Ladder("lago-prorated-three", STOCK_OF_THREE, (((("75", "1"),), "370"),)),
    Ladder(
        "minimum-volume", adjusted(OPENMETER_VOLUME, minimum_amount="150"), (("0", "150"), ("5", "150"), ("100", "500"))
    ),
    Ladder(
        "maximum-volume", adjusted(OPENMETER_VOLUME, maximum_amount="125"), (("5", "100"), ("7", "125"), ("12", "120"))
    ),
    Ladder("minimum-flat", adjusted(flat("10"), minimum_amount="25"), (("1", "25"),)),
)
CASES = tuple(case for ladder in LADDERS for case in ladder.cases())
