"""Money is an integer of minor units; exact amounts are rationals of major units; only rounding joins the two."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from billing_kernel.currencies import EXPONENTS, UnknownCurrency, exponent
from billing_kernel.decimals import InvalidDecimal, format_decimal, parse_decimal
from billing_kernel.errors import DomainError, Kind
from billing_kernel.rounding import Rounding, round_fraction, round_ratio

__all__ = [
    "AmountOverflow",
    "CurrencyMismatch",
    "ExactAmount",
    "InvalidDecimal",
    "InvalidWeights",
    "Money",
    "Rounding",
    "UnknownCurrency",
    "allocate",
    "exponent",
    "format_decimal",
    "parse_decimal",
    "round_amount",
    "round_fraction",
]

INT64_MAX = 2**63 - 1
INT64_MIN = -(2**63)


class CurrencyMismatch(DomainError):
    """Amounts of two currencies meet."""

    kind = Kind.PRECONDITION
    reason = "CURRENCY_MISMATCH"


class AmountOverflow(DomainError):
    kind = Kind.INVALID
    reason = "AMOUNT_OVERFLOW"


class InvalidWeights(DomainError):
    kind = Kind.INVALID
    reason = "INVALID_WEIGHTS"


@dataclass(frozen=True, slots=True)
class Money:
    """`minor` units of `currency`, an int64: Money("EUR", 4900) is 49.00 euro. Negative is a credit.

    Raises UnknownCurrency and AmountOverflow; arithmetic and comparison also CurrencyMismatch.
    """

    currency: str
    minor: int

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise TypeError(f"minor units are an int, not {type(self.minor).__name__}")
        if not INT64_MIN <= self.minor <= INT64_MAX:
            raise AmountOverflow("the amount does not fit into 64 bits", facts={"currency": self.currency})
        if self.currency not in EXPONENTS:
            exponent(self.currency)  # raises

    @classmethod
    def zero(cls, currency: str) -> "Money":
        return cls(currency, 0)

    def __add__(self, other: "Money") -> "Money":
        self._same_currency(other)
        return Money(self.currency, self.minor + other.minor)

    def __sub__(self, other: "Money") -> "Money":
        self._same_currency(other)
        return Money(self.currency, self.minor - other.minor)

    def __neg__(self) -> "Money":
        return Money(self.currency, -self.minor)

    def __bool__(self) -> bool:
        return self.minor != 0

    def __lt__(self, other: "Money") -> bool:
        self._same_currency(other)
        return self.minor < other.minor

    def __le__(self, other: "Money") -> bool:
        self._same_currency(other)
        return self.minor <= other.minor

    def exact(self) -> "ExactAmount":
        """The same amount in major units."""
        return ExactAmount(self.currency, Fraction(self.minor, 10 ** exponent(self.currency)))

    def __str__(self) -> str:
        """All decimals of the currency: "49.00 EUR", "100 JPY"."""
        places = exponent(self.currency)
        whole, rest = divmod(abs(self.minor), 10**places)
        sign = "-" if self.minor < 0 else ""
        return f"{sign}{whole}{f'.{rest:0{places}d}' if places else ''} {self.currency}"

    def _same_currency(self, other: "Money") -> None:
        if self.currency != other.currency:
            facts = {"left": self.currency, "right": other.currency}
            raise CurrencyMismatch(f"{self.currency} and {other.currency} do not mix", facts=facts)


@dataclass(frozen=True, slots=True)
class ExactAmount:
    """An amount before rounding: `value` in MAJOR units of `currency`."""

    currency: str
    value: Fraction


def round_amount(exact: ExactAmount, rounding: Rounding = Rounding.HALF_UP) -> Money:
    """The one way from an exact amount to money. Raises UnknownCurrency, AmountOverflow."""
    value = exact.value
    minor = round_ratio(value.numerator * 10 ** exponent(exact.currency), value.denominator, rounding)
    return Money(exact.currency, minor)


def allocate(money: Money, weights: Sequence[int | Fraction]) -> list[Money]:
    """Splits `money` by non-negative `weights`; the parts add up to it exactly.

    Largest remainder, the earlier part first on a tie. All weights zero: only zero can be split. Raises InvalidWeights.
    """
    total = sum(weights, Fraction(0))
    if not weights or min(weights) < 0 or (total == 0 and money.minor):
        raise InvalidWeights("weights are a non-empty list of non-negative numbers that are not all zero")
    if total == 0:
        return [money] * len(weights)
    parts = [divmod(abs(money.minor) * weight, total) for weight in weights]
    left = abs(money.minor) - sum(int(whole) for whole, _ in parts)
    order = sorted(range(len(parts)), key=lambda index: (-parts[index][1], index))
    lucky = frozenset(order[:left])
    sign = -1 if money.minor < 0 else 1
    return [Money(money.currency, sign * (int(whole) + (index in lucky))) for index, (whole, _) in enumerate(parts)]
