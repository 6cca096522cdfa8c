"""An invoice and its states. Figures are minor units of its currency; what is final is never edited."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID

from billing_kernel.money import CurrencyMismatch, Money

from billing_invoicing.domain.due import Collection, Exact, LineDiscount, LineTax, TaxBehavior, TaxId
from billing_invoicing.domain.errors import (
    AmountNotPositive,
    InvoiceIsPaid,
    InvoiceIsVoid,
    InvoiceNotDraft,
    InvoiceNotOpen,
    PaymentExceedsDue,
)


class State(StrEnum):
    """DRAFT has no number and no balance; OPEN is final and unpaid; PAID ends in VOID only where its start expired."""

    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    VOID = "void"


TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.DRAFT: frozenset({State.OPEN, State.PAID, State.VOID}),
    State.OPEN: frozenset({State.PAID, State.VOID}),
    State.PAID: frozenset({State.VOID}),
    State.VOID: frozenset(),
}
assert set(TRANSITIONS) == set(State)

FINAL = frozenset({State.OPEN, State.PAID})
NO_LABELS: Mapping[str, str] = MappingProxyType({})


class CreditedLine(NamedTuple):
    """The line that a credit gives back; the credit is number `ordinal` of that charge, from 1, void ones counted."""

    charge_id: UUID
    invoice_id: UUID
    line_id: UUID
    ordinal: int = 0


class Line(NamedTuple):
    """One line: one charge. `amount_minor` is as priced, with its tax inside where `tax_behavior` is inclusive;
    net and tax are what is left after `discount_minor`. All of them are negative on credits."""

    line_id: UUID
    charge_id: UUID
    position: int
    description: str
    code: str
    period_start: datetime
    period_end: datetime
    quantity: str
    unit_amount: str
    exact: Exact
    amount_minor: int
    net_minor: int
    tax_minor: int
    tax_behavior: TaxBehavior
    taxes: tuple[LineTax, ...]
    explanation: str
    rating_id: UUID | None
    event_count: int
    discount_minor: int = 0
    discounts: tuple[LineDiscount, ...] = ()
    credit_of: CreditedLine | None = None
    reason: str = ""
    proration: str = ""
    when: str = ""
    settlement: str = ""

    @property
    def taxable_minor(self) -> int:
        """The amount after discounts."""
        return self.amount_minor - self.discount_minor


class TaxSum(NamedTuple):
    """One tax over the whole invoice."""

    name: str
    country: str
    region: str
    rate_percent: str
    rule: str
    legal_note: str
    base_minor: int
    amount_minor: int


class AppliedPayment(NamedTuple):
    """Money that was set against the invoice; `payment_id` is None for what came out of band.

    `unapplied_minor` is what came beyond what was due: it is owed to the customer, as account credit on a void invoice.
    """

    payment_id: UUID | None
    reference: str
    amount_minor: int
    paid_at: datetime
    unapplied_minor: int = 0

    @property
    def received_minor(self) -> int:
        """All that came."""
        return self.amount_minor + self.unapplied_minor


class Invoice(NamedTuple):
    """`number` is empty on drafts. `seller_version` and `party_version` name the frozen copies of both parties."""

    invoice_id: UUID
    version: int
    state: State
    number: str
    seller_id: UUID
    seller_version: int
    customer_id: UUID
    subscription_id: UUID
    due_id: UUID | None
    run_id: UUID | None
    currency: str
    lines: tuple[Line, ...]
    net_minor: int
    tax_minor: int
    total_minor: int
    paid_minor: int
    tax_summary: tuple[TaxSum, ...]
    collection: Collection
    net_terms_days: int
    invoice_at: datetime
    due_at: datetime
    finalized_at: datetime | None
    paid_at: datetime | None
    content_hash: str
    party_id: UUID
    party_version: int
    tax_ids: tuple[TaxId, ...]
    metadata: Mapping[str, str]
    created_at: datetime
    updated_at: datetime
    payments: tuple[AppliedPayment, ...] = ()
    discount_minor: int = 0
    credit_applied_minor: int = 0

    @property
    def payable_minor(self) -> int:
        """What was to be paid when it became final: the total without account credit, never below zero."""
        return max(0, self.total_minor - self.credit_applied_minor)

    @property
    def due_minor(self) -> int:
        """What is still to be paid; nothing on drafts and void invoices."""
        return self.payable_minor - self.paid_minor if self.state in FINAL else 0

    @property
    def credit_granted_minor(self) -> int:
        """What a total below zero leaves to the customer as account credit; nothing on drafts."""
        return max(0, -self.total_minor) if self.state in FINAL else 0

    @property
    def final(self) -> bool:
        """Whether it has left the draft for good, void ones with a number included."""
        return self.number != ""


def totals(lines: Sequence[Line]) -> tuple[int, int, int]:
    """(net, tax, total) of the lines. Raises AmountOverflow of Money where 64 bits are not enough."""
    net = sum([line.net_minor for line in lines])
    tax = sum([line.tax_minor for line in lines])
    return net, tax, net + tax


def tax_summary(lines: Sequence[Line]) -> tuple[TaxSum, ...]:
    """The taxes of all lines, summed by name, place, rate, rule and note, in order of first appearance."""
    sums: dict[tuple[str, str, str, str, str, str], list[int]] = {}
    for line in lines:
        for tax in line.taxes:
            key = (tax.name, tax.country, tax.region, tax.rate_percent, tax.rule, tax.legal_note)
            held = sums.setdefault(key, [0, 0])
            held[0] += tax.base_minor
            held[1] += tax.amount_minor
    return tuple([TaxSum(*key, base, amount) for key, (base, amount) in sums.items()])


def issued(
    invoice: Invoice, *, number: str, seller_version: int, invoice_at: datetime, due_at: datetime, now: datetime
) -> Invoice:
    """The draft as it becomes final, with the account credit it was given; one without anything to pay is paid at once.

    Raises InvoiceNotDraft.
    """
    if invoice.state is not State.DRAFT:
        raise InvoiceNotDraft("only a draft can be made final", facts={"state": invoice.state.name})
    paid = invoice.payable_minor == 0
    return invoice._replace(
        state=State.PAID if paid else State.OPEN,
        number=number,
        seller_version=seller_version,
        invoice_at=invoice_at,
        due_at=due_at,
        finalized_at=now,
        paid_at=now if paid else None,
        updated_at=now,
    )


def voided(invoice: Invoice, *, now: datetime) -> Invoice:
    """Raises InvoiceIsVoid, and InvoiceIsPaid once anything was paid on it."""
    if invoice.state is State.VOID:
        raise InvoiceIsVoid("the invoice is void already")
    if invoice.state is State.PAID or invoice.paid_minor:
        raise InvoiceIsPaid("something was paid on the invoice", facts={"paid_minor": str(invoice.paid_minor)})
    return withdrawn(invoice, now=now)


def withdrawn(invoice: Invoice, *, now: datetime) -> Invoice:
    """Void, whatever was paid: the caller keeps that as account credit. Raises InvoiceIsVoid."""
    if State.VOID not in TRANSITIONS[invoice.state]:
        raise InvoiceIsVoid("the invoice is void already")
    return invoice._replace(version=invoice.version + 1, state=State.VOID, updated_at=now)


def with_payment(invoice: Invoice, amount_minor: int, *, now: datetime) -> Invoice:
    """The invoice after `amount_minor` (at most what is due) was set against it; PAID when nothing is left."""
    assert 0 <= amount_minor <= invoice.due_minor, "the caller cuts a payment to what is due"
    paid = invoice.paid_minor + amount_minor
    full = paid == invoice.payable_minor
    return invoice._replace(
        version=invoice.version + 1,
        state=State.PAID if full else invoice.state,
        paid_minor=paid,
        paid_at=now if full else None,
        updated_at=now,
    )


def out_of_band(invoice: Invoice, amount: Money | None) -> int:
    """How much a payment out of band sets against the invoice; None means all that is due.

    Raises InvoiceNotOpen, CurrencyMismatch, AmountNotPositive, PaymentExceedsDue.
    """
    if invoice.state is not State.OPEN:
        raise InvoiceNotOpen("only an open invoice can be paid", facts={"state": invoice.state.name})
    if amount is None:
        return invoice.due_minor
    if amount.currency != invoice.currency:
        facts = {"currency": invoice.currency}
        raise CurrencyMismatch(f"the invoice is in {invoice.currency}, not in {amount.currency}", facts=facts)
    if amount.minor <= 0:
        raise AmountNotPositive("a payment is more than nothing")
    if amount.minor > invoice.due_minor:
        raise PaymentExceedsDue("more than is due", facts={"due_minor": str(invoice.due_minor)})
    return amount.minor


def relabelled(invoice: Invoice, metadata: Mapping[str, str], *, now: datetime) -> Invoice:
    """The invoice with other labels: the one thing of it that a person may edit."""
    return invoice._replace(version=invoice.version + 1, metadata=dict(metadata), updated_at=now)
