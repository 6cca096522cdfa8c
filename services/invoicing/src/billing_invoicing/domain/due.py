"""What falls due, as subscriptions tells it, and what usage and tax answer about it. Named tuples: millions pass by."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID


class Collection(StrEnum):
    """How an invoice is collected."""

    CHARGE = "charge"
    SEND = "send"


class TaxBehavior(StrEnum):
    """Whether a price contains its tax."""

    EXCLUSIVE = "exclusive"
    INCLUSIVE = "inclusive"


class TaxId(NamedTuple):
    """`type` is the contract's kind in lower case, such as "eu_vat"."""

    type: str
    value: str


class TaxFacts(NamedTuple):
    """What decides tax about a customer. Country is ISO 3166-1 alpha-2, region ISO 3166-2 without it."""

    country: str
    region: str
    tax_ids: tuple[TaxId, ...]


class Exact(NamedTuple):
    """An amount before rounding, in major units: two integers as decimal text."""

    numerator: str
    denominator: str


class Charge(NamedTuple):
    """One charge of a due. Metered charges have no quantity and no amount yet; `item_id` and `price_id` name them."""

    charge_id: UUID
    metered: bool
    item_id: UUID | None
    price_id: UUID | None
    code: str
    description: str
    period_start: datetime
    period_end: datetime
    quantity: str
    unit_amount: str
    exact: Exact
    amount_minor: int
    explanation: str
    tax_category: str
    tax_behavior: TaxBehavior
    supply_at: datetime
    rating_id: UUID | None = None
    event_count: int = 0


class Due(NamedTuple):
    """A period that fell due, whole (its parts are put together). `seller_id` None means the default seller."""

    due_id: UUID
    run_id: UUID | None
    subscription_id: UUID
    subscription_version: int
    customer_id: UUID
    payer_id: UUID
    party_id: UUID
    party_version: int
    seller_id: UUID | None
    currency: str
    collection: Collection
    net_terms_days: int
    tax_facts: TaxFacts
    effective_at: datetime
    charges: tuple[Charge, ...]


class Rating(NamedTuple):
    """What usage says a metered charge comes to. `rating_id` is None on previews."""

    rating_id: UUID | None
    quantity: str
    event_count: int
    exact: Exact
    amount_minor: int
    currency: str
    explanation: str


class LineTax(NamedTuple):
    """One tax on one line, or the reason for none; as tax tells it, kept and never recomputed."""

    name: str
    country: str
    region: str
    rate_percent: str
    base_minor: int
    amount_minor: int
    rule: str
    rate_date: str
    rounding: str
    source: str
    legal_note: str


class TaxedLine(NamedTuple):
    """What tax answers about one charge."""

    net_minor: int
    tax_minor: int
    taxes: tuple[LineTax, ...]


class Refusal(NamedTuple):
    """Why one item of a batch was refused, or a due parked: `reason` is UPPER_SNAKE, `message` one sentence."""

    reason: str
    message: str


class Outcome(StrEnum):
    """What became of a due."""

    INVOICED = "invoiced"
    PARKED = "parked"
    NOTHING_TO_BILL = "nothing_to_bill"


class Settlement(NamedTuple):
    """A due with what became of it; `total_minor` in `currency` is that of its invoice, 0 without one."""

    due_id: UUID
    run_id: UUID | None
    subscription_id: UUID
    payer_id: UUID
    outcome: Outcome
    invoice_id: UUID | None
    reason: str
    currency: str
    total_minor: int


def rated(charge: Charge, rating: Rating) -> Charge:
    """The metered charge with its quantity and amount."""
    return charge._replace(
        quantity=rating.quantity,
        exact=rating.exact,
        amount_minor=rating.amount_minor,
        explanation=rating.explanation,
        rating_id=rating.rating_id,
        event_count=rating.event_count,
    )


def without(due: Due, charge_ids: Sequence[UUID] | frozenset[UUID] | set[UUID]) -> Due:
    """The due without these charges: they are on an invoice already."""
    if not charge_ids:
        return due
    return due._replace(charges=tuple(charge for charge in due.charges if charge.charge_id not in charge_ids))
