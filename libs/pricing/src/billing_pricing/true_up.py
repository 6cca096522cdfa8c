"""The minimum commitment of a whole plan: what was spent is filled up to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from billing_kernel.money import ExactAmount, Money, round_amount
from billing_kernel.rounding import Rounding

from billing_pricing.explanation import Explanation
from billing_pricing.nodes import Constant, Maximum, Node, Round, Subtract
from billing_pricing.nodes import Share as ShareNode
from billing_pricing.totals import Share
from billing_pricing.usage import ZERO


@dataclass(frozen=True, slots=True)
class TrueUp:
    """What is missing up to the commitment, never below zero; a whole number of minor units."""

    tree: Node
    rounded: Money
    rounding: Rounding

    @property
    def currency(self) -> str:
        return self.rounded.currency

    @property
    def exact(self) -> ExactAmount:
        return self.rounded.exact()

    def explanation_json(self, references: Mapping[str, str] | None = None) -> str:
        """Canonical JSON of the explanation."""
        return Explanation(self.tree, self.currency, self.rounding, references or {}).to_json()


def true_up(
    commitment: Fraction,
    commitment_share: Share | None,
    spent: Sequence[Money],
    currency: str,
    rounding: Rounding = Rounding.HALF_UP,
) -> TrueUp:
    """The commitment (major units), prorated and rounded apart from the fees, less what was spent, each as rounded.

    Raises CurrencyMismatch, AmountOverflow.
    """
    committed: Node = Constant(commitment, f"{currency} committed")
    exact = commitment
    if commitment_share is not None:
        committed = ShareNode(commitment_share.value, commitment_share.label, committed)
        exact = commitment * commitment_share.value
    money = round_amount(ExactAmount(currency, exact), rounding)
    return _filled_up(money, Round(committed, currency, rounding), spent, rounding)


def minimum_true_up(committed: Money, spent: Sequence[Money]) -> TrueUp:
    """The same for a commitment that was prorated and rounded before. Raises CurrencyMismatch, AmountOverflow."""
    node = Constant(committed.exact().value, f"{committed.currency} committed")
    return _filled_up(committed, node, spent, Rounding.HALF_UP)


def _filled_up(committed: Money, node: Node, spent: Sequence[Money], rounding: Rounding) -> TrueUp:
    currency = committed.currency
    missing = committed
    for money in spent:
        missing -= money
    parts = (node, *(Constant(money.exact().value, f"{currency} spent") for money in spent))
    tree = Maximum((Constant(ZERO, currency), Subtract(parts)))
    return TrueUp(tree, max(missing, Money.zero(currency)), rounding)
