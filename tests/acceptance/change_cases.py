"""Section D: a subscription, a change at an instant under a policy, and the credit and the charge it makes."""

from __future__ import annotations

from dataclasses import dataclass

SECONDS, DAYS, INCLUSIVE, NONE = (
    f"PRORATION_BASIS_{each}" for each in ("BY_SECONDS", "BY_DAYS", "BY_DAYS_INCLUSIVE", "NONE")
)


@dataclass(frozen=True, slots=True)
class ChangeCase:
    """A price of `before` becomes `after` at `at`, or `seats` (before, after) change. Amounts in minor units."""

    id: str
    start: str
    every: tuple[str, int]
    at: str
    credit: int
    charge: int
    before: str = "0"
    after: str = "0"
    every_after: tuple[str, int] | None = None
    seats: tuple[str, str] | None = None
    basis: str = SECONDS
    nominal_days: int = 0
    settlement: str = "SETTLEMENT_NEXT_INVOICE"


MONTH, YEAR = ("MONTH", 1), ("YEAR", 1)
CASES = (
    ChangeCase("D01", "2025-06-01", MONTH, "2025-06-16", -500, 1000, "10", "20"),
    ChangeCase("D04", "2025-06-01", MONTH, "2025-06-16", -5000, 15000, "100", "300"),
    ChangeCase("D07", "2024-08-01", YEAR, "2024-10-01", -83288, 249863, "1000", "3000"),
    ChangeCase("D10", "2025-06-01", MONTH, "2025-06-16", -5000, 100000, "100", "1000", every_after=YEAR),
    ChangeCase("D13", "2024-01-01", ("DAY", 30), "2024-01-16", -5000, 10000, "100", "200", basis=DAYS),
    ChangeCase("D16", "2024-01-01", ("DAY", 30), "2024-01-30", -1000, 2000, "300", "600", basis=DAYS),
    ChangeCase("D19", "2025-03-01", MONTH, "2025-03-15", -2742, 5484, "10", seats=("5", "10"), basis=INCLUSIVE),
    ChangeCase("downgrade", "2025-06-01", MONTH, "2025-06-16", -15000, 5000, "300", "100"),
    ChangeCase("no-proration", "2025-06-01", MONTH, "2025-06-16", 0, 0, "100", "300", basis=NONE),
    ChangeCase("nominal", "2025-01-01", MONTH, "2025-01-16", -5000, 10000, "100", "200", basis=DAYS, nominal_days=32),
    ChangeCase(
        "no-credit", "2025-06-01", MONTH, "2025-06-16", 0, 15000, "100", "300", settlement="SETTLEMENT_NO_CREDIT"
    ),
    ChangeCase(
        "at-once", "2025-06-01", MONTH, "2025-06-16", -5000, 15000, "100", "300", settlement="SETTLEMENT_AT_ONCE"
    ),
)
assert len({case.id for case in CASES}) == len(CASES)
