"""The parts of an explanation: a tree of arithmetic, small enough to check by hand, complete enough to be recomputed.

Constant   a number and what it is: 10 "units", 5 "EUR per unit"
Add, Multiply, Maximum   of all parts (at least one)
Ceiling    the next whole number upwards
InTier     of: what one tier contributes; the tier holds quantities above `above`, up to and including `up_to`
Round      of: an amount in major units, rounded to the minor unit of `currency`
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from billing_kernel.rounding import Rounding


@dataclass(frozen=True, slots=True)
class Constant:
    value: Fraction
    label: str


@dataclass(frozen=True, slots=True)
class Add:
    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Multiply:
    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Maximum:
    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Ceiling:
    of: "Node"


@dataclass(frozen=True, slots=True)
class InTier:
    number: int
    above: Fraction
    up_to: Fraction | None
    of: "Node"


@dataclass(frozen=True, slots=True)
class Round:
    of: "Node"
    currency: str
    rounding: Rounding


Node: TypeAlias = Constant | Add | Multiply | Maximum | Ceiling | InTier | Round
