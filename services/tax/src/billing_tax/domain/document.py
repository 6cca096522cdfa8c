"""What is taxed and the result, in minor units of one currency."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from billing_kernel.money import Money

from billing_tax.domain.place_of_supply import Assessment
from billing_tax.domain.places import Place
from billing_tax.domain.tax_ids import TaxId


class Behavior(StrEnum):
    """Whether a price contains its tax."""

    EXCLUSIVE = "exclusive"
    INCLUSIVE = "inclusive"


class RoundingScope(StrEnum):
    """What is rounded once: each tax of each line, each tax of the document, or all tax of the document."""

    PER_LINE = "per_line"
    PER_TAX = "per_tax"
    PER_DOCUMENT = "per_document"


@dataclass(frozen=True, slots=True)
class Line:
    """`amount_minor` after discounts; negative reduces the base."""

    reference: str
    amount_minor: int
    tax_category: str
    behavior: Behavior
    supply_time: datetime


@dataclass(frozen=True, slots=True)
class TaxOrder:
    """One document to tax: what one seller bills one customer, in one currency."""

    seller_id: UUID
    seller_country: str
    customer_id: UUID | None
    place: Place
    tax_ids: tuple[TaxId, ...]
    currency: str
    lines: tuple[Line, ...]
    scope: RoundingScope


@dataclass(frozen=True, slots=True)
class LineTax:
    """One tax on one line: what was decided, what it applied to, what it came to."""

    assessment: Assessment
    base_minor: int
    amount_minor: int
    scope: RoundingScope


@dataclass(frozen=True, slots=True)
class TaxedLine:
    reference: str
    net_minor: int
    tax_minor: int
    taxes: tuple[LineTax, ...]


@dataclass(frozen=True, slots=True)
class TaxedDocument:
    lines: tuple[TaxedLine, ...]
    net: Money
    tax: Money
