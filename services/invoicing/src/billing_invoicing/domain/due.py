"""What falls due, as subscriptions tells it, and what usage and tax answer about it. Named tuples: millions pass by."""

from collections.abc import Set
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from billing_pricing import InvalidExplanation, referring


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


class Ratio(NamedTuple):
    """An exact share: two integers as decimal text."""

    numerator: str
    denominator: str


class Discount(NamedTuple):
    """A discount of a redeemed coupon: `percent`, a decimal text, or else `amount_minor`. No codes means all items."""

    redemption_id: UUID
    coupon_id: UUID
    coupon_code: str
    percent: str
    amount_minor: int
    item_codes: tuple[str, ...]


class LineDiscount(NamedTuple):
    """The share of one discount that one charge bears; negative on credits. `percent` is empty for fixed amounts."""

    redemption_id: UUID
    coupon_code: str
    percent: str
    amount_minor: int


class CreditOf(NamedTuple):
    """What a credit gives back: `share` of the undiscounted amount of a charge."""

    charge_id: UUID
    share: Ratio


class Commitment(NamedTuple):
    """The minimum of a whole plan for a period, and what was billed for it before the due."""

    charge_id: UUID
    description: str
    period_start: datetime
    period_end: datetime
    amount_minor: int
    exact: Exact
    billed_minor: int
    explanation: str
    tax_category: str
    tax_behavior: TaxBehavior
    supply_at: datetime


class Charge(NamedTuple):
    """One charge of a due. Metered charges have no quantity and no amount yet; `item_id` and `price_id` name them.

    `amount_minor` is as priced; `discounts` come off it. A credit (`credit_of`) has an amount of zero or less.
    `reason`, `when` and `settlement` are the contract's names, such as "UPGRADE", empty for regular charges.
    """

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
    reason: str = ""
    proration: str = ""
    credit_of: CreditOf | None = None
    tiers_from_at: datetime | None = None
    limits_share: Ratio | None = None
    discounts: tuple[LineDiscount, ...] = ()
    when: str = ""
    settlement: str = ""

    @property
    def discount_minor(self) -> int:
        return sum([discount.amount_minor for discount in self.discounts])

    @property
    def taxable_minor(self) -> int:
        """What tax is asked about: the amount after discounts."""
        return self.amount_minor - self.discount_minor if self.discounts else self.amount_minor


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
    discounts: tuple[Discount, ...] = ()
    commitment: Commitment | None = None

    @property
    def charge_ids(self) -> list[UUID]:
        """Every charge that the due may make."""
        own = [charge.charge_id for charge in self.charges]
        return own if self.commitment is None else [*own, self.commitment.charge_id]

    @property
    def taxable(self) -> tuple[Charge, ...]:
        """What tax is asked about: credits take the tax of the line that they repair."""
        return tuple([charge for charge in self.charges if charge.credit_of is None])

    @property
    def credited(self) -> frozenset[UUID]:
        """The charges that the due gives back, in whole or in part."""
        return frozenset([charge.credit_of.charge_id for charge in self.charges if charge.credit_of is not None])


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
        explanation=explained(charge, rating.explanation),
        rating_id=rating.rating_id,
        event_count=rating.event_count,
    )


def explained(charge: Charge, explanation: str) -> str:
    """What usage explains, with the change that made the charge; as it is where none did, or it cannot be read."""
    facts = {
        "change": charge.reason,
        "when": charge.when,
        "settlement": charge.settlement,
        "proration": charge.proration,
    }
    more = {name: fact for name, fact in facts.items() if fact}
    try:
        return referring(explanation, more) if more else explanation
    except InvalidExplanation:
        return explanation


def without(due: Due, charge_ids: Set[UUID]) -> Due:
    """The due without these charges: they are on an invoice already."""
    if not charge_ids:
        return due
    commitment = due.commitment
    return due._replace(
        charges=tuple([charge for charge in due.charges if charge.charge_id not in charge_ids]),
        commitment=None if commitment is None or commitment.charge_id in charge_ids else commitment,
    )
