"""An explanation: the tree of an amount, how it is rounded, and references to the facts behind it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from types import MappingProxyType

from billing_kernel.errors import DomainError, Kind
from billing_kernel.money import ExactAmount, Money, round_amount
from billing_kernel.rounding import Rounding

from billing_pricing import render
from billing_pricing.evaluate import evaluate
from billing_pricing.nodes import Node, Round
from billing_pricing.nodes_json import node_from_json, node_to_json
from billing_pricing.strict_json import JsonObject, canonical_text, parse_object

VERSION = 1
REFERENCES_MAX = 64
BYTES_MAX = 512 * 1024
_HEAD = '{"references":'  # names are sorted, so references come first
_DECODER = json.JSONDecoder()


class InvalidExplanation(DomainError):
    kind = Kind.INVALID
    reason = "INVALID_EXPLANATION"


@dataclass(frozen=True, slots=True)
class Explanation:
    """`tree` evaluates to the exact amount, `root` (a Round node around it) to the rounded one, in major units.

    `places`: where the rounding policy has fewer decimals than the currency; None: those of the currency.
    """

    tree: Node
    currency: str
    rounding: Rounding = Rounding.HALF_UP
    references: Mapping[str, str] = field(default_factory=dict)
    places: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "references", MappingProxyType(dict(self.references)))

    @property
    def root(self) -> Round:
        return Round(self.tree, self.currency, self.rounding, self.places)

    @property
    def exact(self) -> ExactAmount:
        return ExactAmount(self.currency, evaluate(self.tree))

    @property
    def rounded(self) -> Money:
        return round_amount(ExactAmount(self.currency, evaluate(self.root)), self.rounding)

    def sentence(self) -> str:
        """One line for a person: "10 units × 5 EUR per unit = 50.00 EUR"."""
        return render.sentence(self.root)

    def to_text(self) -> str:
        """The tree, one node a line, indented by two, each with its value; references last."""
        lines = render.lines(self.root) + [f"{name}: {fact}" for name, fact in sorted(self.references.items())]
        return "\n".join(lines)

    def to_json(self) -> str:
        """Canonical: sorted keys, no spaces, numbers as exact text. The same explanation gives the same bytes."""
        document = {"references": dict(self.references), "tree": node_to_json(self.root), "version": VERSION}
        return canonical_text(document)


def explanation_from_json(text: str) -> Explanation:
    """The inverse of Explanation.to_json(). Raises InvalidExplanation."""
    document = parse_object(text, BYTES_MAX, InvalidExplanation)
    if document.keys() != {"references", "tree", "version"} or document["version"] != VERSION:
        raise InvalidExplanation(f"an explanation has references, a tree and version {VERSION}")
    root = node_from_json(document["tree"], InvalidExplanation)
    if not isinstance(root, Round):
        raise InvalidExplanation("the root of an explanation is a round node")
    return Explanation(root.of, root.currency, root.rounding, _references(document["references"]), root.places)


def referring(text: str, more: Mapping[str, str]) -> str:
    """The canonical JSON `text` with `more` references, the later ones counting; its tree is neither read nor written.

    Raises InvalidExplanation.
    """
    try:
        known, end = _DECODER.raw_decode(text, len(_HEAD))
    except ValueError as error:
        raise InvalidExplanation("an explanation begins with its references") from error
    if not (text.startswith(_HEAD) and text.startswith(",", end) and isinstance(known, dict)):
        raise InvalidExplanation("an explanation begins with its references")
    return f"{_HEAD}{canonical_text({**known, **more})}{text[end:]}"


def _references(found: object) -> Mapping[str, str]:
    texts: JsonObject = found if isinstance(found, dict) else {"": None}
    if len(texts) > REFERENCES_MAX or not all(isinstance(fact, str) for fact in texts.values()):
        raise InvalidExplanation(f"references are at most {REFERENCES_MAX} texts by name")
    return {name: str(fact) for name, fact in texts.items()}


def verify(explanation: Explanation, exact: Fraction, rounded: Money) -> bool:
    """True when recomputing the tree gives exactly these figures."""
    return explanation.exact.value == exact and explanation.rounded == rounded
