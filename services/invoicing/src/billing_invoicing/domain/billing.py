"""From a due to its invoice: the one pure way, for the billing run, for retries and for previews alike."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from billing_kernel.errors import DomainError
from billing_kernel.money import Money

from billing_invoicing.domain.credits import Repaired, credit_line
from billing_invoicing.domain.due import (
    Charge,
    Due,
    Outcome,
    Rating,
    Refusal,
    Settlement,
    TaxBehavior,
    TaxedLine,
    rated,
)
from billing_invoicing.domain.explaining import naming_discounts
from billing_invoicing.domain.invoice import NO_LABELS, Invoice, Line, State, tax_summary, totals
from billing_invoicing.domain.lines import line_of
from billing_invoicing.domain.numbering import due_at
from billing_invoicing.domain.seller import Seller

NewId = Callable[[], UUID]

NO_SELLER = Refusal("NO_SELLER", "the tenant has no seller that could bill")
SELLER_NOT_FOUND = Refusal("SELLER_NOT_FOUND", "the due names a seller that does not exist")
NOT_RATED = Refusal("NOT_RATED", "usage gave no rating of a metered charge")
NOT_TAXED = Refusal("NOT_TAXED", "tax gave no answer about a charge")
TAX_INCONSISTENT = Refusal("TAX_INCONSISTENT", "net and tax of a line do not add up to its amount")
CURRENCY_MISMATCH = Refusal("CURRENCY_MISMATCH", "a rating is in another currency than its due")
NO_LINES: Mapping[UUID, Repaired] = {}


class Work(NamedTuple):
    """A due that can be billed: its seller, its charges, priced, and the lines of other invoices that it credits."""

    due: Due
    seller: Seller
    repaired: Mapping[UUID, Repaired] = NO_LINES


def seller_for(due: Due, sellers: Mapping[UUID, Seller]) -> Seller | Refusal:
    """The seller that the due names, else the default one."""
    if due.seller_id is not None:
        return sellers.get(due.seller_id, SELLER_NOT_FOUND)
    return next((seller for seller in sellers.values() if seller.is_default), NO_SELLER)


def with_ratings(due: Due, ratings: Mapping[UUID, Rating | Refusal]) -> Due | Refusal:
    """The due with every metered charge rated; the first refusal of one of them otherwise."""
    charges: list[Charge] = []
    for charge in due.charges:
        if not charge.metered:
            charges.append(charge)
            continue
        rating = ratings.get(charge.charge_id, NOT_RATED)
        if isinstance(rating, Refusal):
            return rating
        if rating.currency != due.currency:
            return CURRENCY_MISMATCH
        charges.append(rated(charge, rating))
    return due._replace(charges=tuple(charges))


def draft(work: Work, taxed: Sequence[TaxedLine] | Refusal, *, now: datetime, new_id: NewId) -> Invoice | Refusal:
    """The draft of a due whose charges are priced; `taxed` answers those that are no credits, in their order."""
    due = work.due
    if isinstance(taxed, Refusal):
        return taxed
    if len(taxed) != len(due.taxable):
        return NOT_TAXED
    invoice_id = new_id()
    lines = _lines(work, taxed, invoice_id, new_id)
    if not all(map(_adds_up, lines)):
        return TAX_INCONSISTENT
    figures = totals(lines)
    refusal = _total_refused(due.currency, figures)
    return refusal or _invoice(work, invoice_id, lines, figures, now)


def _lines(work: Work, taxed: Sequence[TaxedLine], invoice_id: UUID, new_id: NewId) -> tuple[Line, ...]:
    """In the order of the charges. Credits are made last: they may repair a line of the same due."""
    due, answers = work.due, iter(taxed)
    made: list[Line | None] = [
        line_of(new_id(), position, charge, next(answers)) if charge.credit_of is None else None
        for position, charge in enumerate(due.charges, 1)
    ]
    if due.credited:
        repaired = {line.charge_id: Repaired(line, invoice_id, due.currency) for line in made if line is not None}
        _add_credits(due, made, repaired | dict(work.repaired), new_id)
    return tuple([line for line in made if line is not None])


def _add_credits(due: Due, made: list[Line | None], repaired: dict[UUID, Repaired], new_id: NewId) -> None:
    """Fills the places of the credits; each counts for the ones behind it."""
    for place, charge in enumerate(due.charges):
        if charge.credit_of is None:
            continue
        of = repaired[charge.credit_of.charge_id]
        line = credit_line(new_id(), place + 1, charge, of)
        if line.discounts:
            named = naming_discounts(charge._replace(discounts=line.discounts), due.currency)
            line = line._replace(explanation=named.explanation)
        made[place] = line
        repaired[of.line.charge_id] = of._replace(given=(*of.given, line), ordinal=of.ordinal + 1)


def _total_refused(currency: str, figures: tuple[int, int, int]) -> Refusal | None:
    try:
        for figure in figures:
            Money(currency, figure)
    except DomainError as error:
        return Refusal(error.reason, error.message)
    return None


def _invoice(
    work: Work, invoice_id: UUID, lines: tuple[Line, ...], figures: tuple[int, int, int], now: datetime
) -> Invoice:
    due, seller = work.due, work.seller
    net, tax_minor, total = figures
    return Invoice(
        invoice_id=invoice_id,
        version=1,
        state=State.DRAFT,
        number="",
        seller_id=seller.seller_id,
        seller_version=seller.version,
        customer_id=due.payer_id,
        subscription_id=due.subscription_id,
        due_id=due.due_id,
        run_id=due.run_id,
        currency=due.currency,
        lines=lines,
        net_minor=net,
        tax_minor=tax_minor,
        total_minor=total,
        paid_minor=0,
        tax_summary=tax_summary(lines),
        collection=due.collection,
        net_terms_days=due.net_terms_days,
        invoice_at=due.effective_at,
        due_at=due_at(due.effective_at, due.net_terms_days, seller.zone),
        finalized_at=None,
        paid_at=None,
        content_hash="",
        party_id=due.party_id,
        party_version=due.party_version,
        tax_ids=due.tax_facts.tax_ids,
        metadata=NO_LABELS,
        created_at=now,
        updated_at=now,
        discount_minor=sum([line.discount_minor for line in lines]),
    )


def _adds_up(line: Line) -> bool:
    """Tax may split what is left after discounts, never change it."""
    if line.tax_behavior is TaxBehavior.INCLUSIVE:
        return line.net_minor + line.tax_minor == line.taxable_minor
    return line.net_minor == line.taxable_minor


def settlement(
    due: Due, outcome: Outcome, *, invoice: Invoice | None = None, refusal: Refusal | None = None
) -> Settlement:
    """What is told about a due and kept of it."""
    return Settlement(
        due.due_id,
        due.run_id,
        due.subscription_id,
        due.payer_id,
        outcome,
        invoice.invoice_id if invoice else None,
        refusal.reason if refusal else "",
        due.currency,
        invoice.total_minor if invoice else 0,
    )
