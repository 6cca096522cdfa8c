"""Quantity in, rated amount out. The hot path is integers in a tuple; the explanation is a view made on demand."""

from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple

from billing_kernel.currencies import EXPONENTS, exponent
from billing_kernel.money import INT64_MAX, AmountOverflow, ExactAmount, Money
from billing_kernel.rounding import Rounding, round_ratio

from billing_pricing.explanation import Explanation
from billing_pricing.models import Model
from billing_pricing.nodes import Add, Constant, Multiply, Node, Round
from billing_pricing.tiers import Trace

_MINOR = {currency: 10**places for currency, places in EXPONENTS.items()}


class Rated(NamedTuple):
    """A quantity with its price: `exact` before rounding, `rounded` to the currency's minor unit, and how."""

    model: Model
    quantity: Fraction
    currency: str
    rounding: Rounding
    numerator: int
    denominator: int
    minor: int
    trace: Trace

    @property
    def exact(self) -> ExactAmount:
        return ExactAmount(self.currency, Fraction(self.numerator, self.denominator))

    @property
    def rounded(self) -> Money:
        return Money(self.currency, self.minor)

    @property
    def tree(self) -> Node:
        return self.model.tree(self.quantity, self.currency, self.trace)

    def explanation(self, references: Mapping[str, str] | None = None) -> Explanation:
        return Explanation(self.tree, self.currency, self.rounding, references or {})

    def explanation_json(self, references: Mapping[str, str] | None = None) -> str:
        """Canonical JSON of the explanation: what travels in `explanation` fields."""
        return self.explanation(references).to_json()


class Slice(NamedTuple):
    """What one more slice of usage costs: the rounded total so far less the rounded total that is already billed.

    So slices add up to the total, to the minor unit, and a slice's exact amount is a whole number of minor units.
    """

    total: Rated
    billed: Rated | None

    @property
    def currency(self) -> str:
        return self.total.currency

    @property
    def rounding(self) -> Rounding:
        return self.total.rounding

    @property
    def rounded(self) -> Money:
        return self.total.rounded - self.billed.rounded if self.billed else self.total.rounded

    @property
    def exact(self) -> ExactAmount:
        return self.rounded.exact()

    @property
    def trace(self) -> tuple[Trace, ...]:
        return (self.total.trace, self.billed.trace) if self.billed else (self.total.trace,)

    @property
    def tree(self) -> Node:
        total = Round(self.total.tree, self.currency, self.rounding)
        if self.billed is None:
            return total
        billed = Round(self.billed.tree, self.currency, self.rounding)
        return Add((total, Multiply((Constant(Fraction(-1), "already billed"), billed))))

    def explanation(self, references: Mapping[str, str] | None = None) -> Explanation:
        return Explanation(self.tree, self.currency, self.rounding, references or {})

    def explanation_json(self, references: Mapping[str, str] | None = None) -> str:
        """Canonical JSON of the explanation."""
        return self.explanation(references).to_json()


def rate(model: Model, quantity: Fraction, currency: str, rounding: Rounding = Rounding.HALF_UP) -> Rated:
    """Rates `quantity`, rounding once. A net negative quantity costs nothing, but under Flat.

    Raises UnknownCurrency, AmountOverflow.
    """
    numerator, denominator, trace = model.price(*quantity.as_integer_ratio())
    try:
        scale = _MINOR[currency]
    except KeyError:
        scale = 10 ** exponent(currency)  # raises
    if rounding is Rounding.HALF_UP:  # no model gives less than zero
        minor = (2 * numerator * scale + denominator) // (2 * denominator)
    else:
        minor = round_ratio(numerator * scale, denominator, rounding)
    if minor > INT64_MAX:
        raise AmountOverflow("the rated amount does not fit into 64 bits", facts={"currency": currency})
    # Past the named tuple's own constructor, which costs as much as all arithmetic before.
    return tuple.__new__(Rated, (model, quantity, currency, rounding, numerator, denominator, minor, trace))


def progressive(
    model: Model,
    already_billed_quantity: Fraction | None,
    quantity: Fraction,
    currency: str,
    rounding: Rounding = Rounding.HALF_UP,
) -> Slice:
    """Rates `quantity` more units on top of those already billed in the same period; any slicing costs the same.

    None: nothing was billed yet. Zero differs: what is due at zero usage (a first tier's flat amount) was billed.
    A slice may be negative (a correction, or a volume tier with a lower price).
    Raises UnknownCurrency, AmountOverflow.
    """
    if already_billed_quantity is None:
        return Slice(rate(model, quantity, currency, rounding), None)
    billed = rate(model, already_billed_quantity, currency, rounding)
    return Slice(rate(model, already_billed_quantity + quantity, currency, rounding), billed)
