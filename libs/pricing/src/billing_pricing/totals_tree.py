"""The explanation of a total: the same steps, as a tree that is made only when somebody asks."""

from collections.abc import Iterator
from datetime import datetime
from fractions import Fraction

from billing_pricing.adjustments import Commitment, Window
from billing_pricing.nodes import (
    Add,
    Constant,
    Convert,
    Discount,
    Maximum,
    Minimum,
    Multiply,
    Named,
    Node,
    Share,
    Subtract,
)
from billing_pricing.numbers import number_text
from billing_pricing.price import amount_of, tree_of
from billing_pricing.totals import Part, Terms, Total
from billing_pricing.usage import ZERO, Usage, quantity_of

WINDOWS_EXPLAINED = 31  # more of them are explained by their sums


def total_tree(total: Total) -> Node:
    """Evaluates to `total.exact`."""
    adjustments = total.terms.price.adjustments
    tree = _with_free_units(total, _charged(total))
    steps = (_discounted, _capped)
    for step in reversed(steps) if adjustments.discount_after_maximum else steps:
        tree = step(total, tree)
    reduced = total.discounted if adjustments.discount_after_maximum else total.capped
    if total.filled != reduced:
        tree = Maximum((tree, _limit(total.terms, adjustments.minimum, "minimum spend")))
    share = total.terms.share
    return tree if share is None else Share(share.value, share.label, tree)


def _with_free_units(total: Total, tree: Node) -> Node:
    free = total.terms.price.adjustments.free_units
    if not free:
        return tree
    given, used = quantity_of(total.given), quantity_of(total.used)
    return Named(f"{number_text(used)} of {number_text(given)} units after {number_text(free)} free ones", tree)


def _discounted(total: Total, tree: Node) -> Node:
    percent = total.terms.price.adjustments.discount_percent
    return Discount(percent, tree) if percent else tree


def _capped(total: Total, tree: Node) -> Node:
    adjustments = total.terms.price.adjustments
    before = total.charged if adjustments.discount_after_maximum else total.discounted
    if total.capped == before:
        return tree
    return Minimum((tree, _limit(total.terms, adjustments.maximum, "maximum spend")))


def _limit(terms: Terms, amount: Fraction | None, name: str) -> Node:
    return _limited(terms, Constant(amount or ZERO, f"{terms.currency} {name}"))


def _limited(terms: Terms, node: Node) -> Node:
    share = terms.limits_share
    return node if share is None else Share(share.value, share.label, node)


def _charged(total: Total) -> Node:
    commitment = total.terms.price.adjustments.commitment
    if commitment is None or not total.terms.price.is_windowed:
        return _part(total, total.parts[0])
    if not total.parts:
        return Constant(ZERO, f"{total.terms.currency} without usage")
    if len(total.parts) > WINDOWS_EXPLAINED:
        return Add(tuple(_sums(total, commitment)))
    window = commitment.window
    return Add(tuple(Named(_name(window, part.window), _part(total, part)) for part in total.parts))


def _part(total: Total, part: Part) -> Node:
    used = _model_tree(total.terms, part.usage, part.trace)
    commitment = total.terms.price.adjustments.commitment
    if commitment is None or part.charged == part.amount or total.committed is None:
        return used
    if part.amount < total.committed:
        return Maximum((used, _committed(total.terms, commitment)))
    return _overage(total.terms, commitment, Subtract((used, _committed(total.terms, commitment))))


def _overage(terms: Terms, commitment: Commitment, beyond: Node) -> Node:
    factor = Constant(commitment.overage_factor, "overage factor")
    return Add((_committed(terms, commitment), Multiply((beyond, factor))))


def _committed(terms: Terms, commitment: Commitment) -> Node:
    node: Node = Constant(commitment.amount or ZERO, f"{terms.currency} committed")
    if commitment.quantity is not None:
        _, trace = amount_of(terms.price.model, commitment.quantity)
        named = f"commitment of {number_text(commitment.quantity)} units"
        node = Named(named, _model_tree(terms, commitment.quantity, trace))
    return node if terms.price.is_windowed else _limited(terms, node)


def _model_tree(terms: Terms, usage: Usage, trace: object) -> Node:
    unit = terms.price.adjustments.unit
    if unit is None:
        return tree_of(terms.price.model, usage, terms.currency, trace)
    tree = tree_of(terms.price.model, usage, unit.code, trace)
    return Convert(unit.code, terms.unit_rate, terms.currency, tree)


def _sums(total: Total, commitment: Commitment) -> Iterator[Node]:
    """Many windows: what is within the commitment, what was filled up to it, what lies beyond."""
    currency, committed = total.terms.currency, total.committed or ZERO
    within = [part.charged for part in total.parts if part.charged == part.amount]
    filled = [part for part in total.parts if part.charged != part.amount and part.amount < committed]
    beyond = [part.amount for part in total.parts if part.charged != part.amount and part.amount > committed]
    yield Constant(sum(within, ZERO), f"{currency} in {len(within)} windows as used")
    if filled:
        windows = Constant(Fraction(len(filled)), "windows filled up")
        yield Multiply((windows, _committed(total.terms, commitment)))
    if beyond:
        windows = Constant(Fraction(len(beyond)), "windows beyond the commitment")
        yield Multiply((windows, _committed(total.terms, commitment)))
        excess = Constant(sum(beyond, ZERO) - committed * len(beyond), f"{currency} beyond")
        yield Multiply((excess, Constant(commitment.overage_factor, "overage factor")))


_FORMS = {Window.HOUR: "hour %Y-%m-%dT%HZ", Window.DAY: "day %Y-%m-%d", Window.MONTH: "month %Y-%m"}


def _name(window: Window, start: datetime | None) -> str:
    assert start is not None, "a commitment by window has windows"
    return start.strftime(_FORMS[window])
