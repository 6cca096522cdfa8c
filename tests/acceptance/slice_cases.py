"""Progressive billing as OpenMeter's tests have it: what was billed before in the period, and what this slice costs."""

from __future__ import annotations

from tests.acceptance.ladder_cases import OPENMETER_FOUR
from tests.acceptance.price_cases import OPENMETER_VOLUME, PriceCase
from tests.acceptance.prices import adjusted, package, per_unit

MAXIMUM, MINIMUM = "maximum-spend discount", "minimum spend"
HALF_OFF = per_unit("10", maximum_amount="100", discount_percent="50")
DYNAMIC = {"dynamic": {"multiplier": "1.33333"}}

CASES = (
    PriceCase("unit-maximum-not-hit", per_unit("10", maximum_amount="100"), "10", "100"),
    PriceCase(
        "unit-maximum-hit", per_unit("10", maximum_amount="100"), "5", "30", billed="7", components=((MAXIMUM, "-20"),)
    ),
    PriceCase("unit-maximum-reached", per_unit("10", maximum_amount="100"), "5", "0", billed="12"),
    PriceCase("unit-minimum-interim", per_unit("10", minimum_amount="100"), "0", "0", interim=True),
    PriceCase("unit-minimum-last", per_unit("10", minimum_amount="100"), "0", "100", components=((MINIMUM, "100"),)),
    PriceCase("unit-minimum-rest", per_unit("10", minimum_amount="100"), "2", "70", billed="3"),
    PriceCase("unit-half-off-hit", HALF_OFF, "20", "65", billed="7", components=((MAXIMUM, "-35"),)),
    PriceCase("package-first", package("10", "15"), "5", "15", interim=True),
    PriceCase("package-started-before", package("10", "15"), "3", "0", billed="17", interim=True),
    PriceCase("package-next", package("10", "15"), "5", "15", billed="17", interim=True),
    PriceCase(
        "package-maximum",
        adjusted(package("10", "15"), maximum_amount="100"),
        "50",
        "10",
        billed="60",
        components=((MAXIMUM, "-65"),),
    ),
    PriceCase("package-minimum-interim", adjusted(package("10", "15"), minimum_amount="100"), "0", "0", interim=True),
    PriceCase("graduated-flat-only", OPENMETER_FOUR, "1", "0", billed="7", interim=True),
    PriceCase("graduated-across", OPENMETER_FOUR, "10", "22", billed="12", interim=True),
    PriceCase("graduated-minimum", adjusted(OPENMETER_FOUR, minimum_amount="1000"), "0", "900", billed="0"),
    PriceCase("graduated-minimum-used", adjusted(OPENMETER_FOUR, minimum_amount="1000"), "0", "900", billed="2"),
    PriceCase(
        "graduated-minimum-mid", adjusted(OPENMETER_FOUR, minimum_amount="1000"), "0", "0", billed="2", interim=True
    ),
    PriceCase(
        "graduated-maximum", adjusted(OPENMETER_FOUR, maximum_amount="170"), "10", "10", billed="12", interim=True
    ),
    PriceCase("volume-cheaper", OPENMETER_VOLUME, "1", "-70", billed="15"),
    PriceCase("dynamic-maximum", adjusted(DYNAMIC, maximum_amount="100"), ["50"], "6.67", billed_events=("70",)),
    PriceCase("free-units-left", per_unit("1", free_units="10"), "15", "10", billed="5", quantity="10"),
    PriceCase("free-units-first", per_unit("1", free_units="10"), "15", "5", quantity="5"),
    PriceCase("free-units-none", per_unit("1", free_units="10"), "3", "0", quantity="0"),
    PriceCase("net-negative-slice", per_unit("1"), "-3", "-3", billed="10"),
    PriceCase("net-below-zero-slice", per_unit("1"), "-30", "-10", billed="10"),
)
assert len({case.id for case in CASES}) == len(CASES)
