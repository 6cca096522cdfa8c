"""The parts of an explanation: a tree of arithmetic, small enough to check by hand, complete enough to be recomputed.

Constant   a number and what it is: 10 "units", 5 "EUR per unit"
Add, Multiply, Maximum, Minimum   of all parts (at least one)
Subtract   the first part less all others
Ceiling, Floor   the next whole number upwards, downwards
InTier     of: what one tier contributes; the tier holds quantities above `above`, up to and including `up_to`
Named      of: the same number, and what it stands for: a cell, a window, a group of events
Share      of, times `value`: a part of a period
Discount   of, less `percent` of it
Convert    of: an amount of a pricing unit, times what one of it is worth (`rate`) in `currency`
Round      of: an amount in major units, rounded to `places`, or to the minor unit of `currency`
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
class Subtract:
    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Multiply:
    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Maximum:
    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Minimum:
    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Ceiling:
    of: "Node"


@dataclass(frozen=True, slots=True)
class Floor:
    of: "Node"


@dataclass(frozen=True, slots=True)
class InTier:
    number: int
    above: Fraction
    up_to: Fraction | None
    of: "Node"


@dataclass(frozen=True, slots=True)
class Named:
    label: str
    of: "Node"


@dataclass(frozen=True, slots=True)
class Share:
    value: Fraction
    label: str
    of: "Node"


@dataclass(frozen=True, slots=True)
class Discount:
    percent: Fraction
    of: "Node"


@dataclass(frozen=True, slots=True)
class Convert:
    unit: str
    rate: Fraction
    currency: str
    of: "Node"


@dataclass(frozen=True, slots=True)
class Round:
    of: "Node"
    currency: str
    rounding: Rounding
    places: int | None = None


ListNode: TypeAlias = Add | Subtract | Multiply | Maximum | Minimum
Node: TypeAlias = ListNode | Constant | Ceiling | Floor | InTier | Named | Share | Discount | Convert | Round
