"""Rows <-> values."""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from billing_invoicing.domain.account_credit import Account, Entry, EntryKind
from billing_invoicing.domain.due import (
    Collection,
    Exact,
    LineDiscount,
    LineTax,
    Outcome,
    Settlement,
    TaxBehavior,
    TaxId,
)
from billing_invoicing.domain.invoice import AppliedPayment, CreditedLine, Invoice, Line, State, TaxSum
from billing_invoicing.domain.run import Mode, Run, RunState
from billing_invoicing.domain.seller import Party, Seller
from billing_invoicing.domain.test_clock import Phase, TestClock

PARTY_FIELDS = ("name", "company", "email", "line1", "line2", "city", "postal_code", "region", "country")


def party_to_json(party: Party) -> dict[str, str]:
    return {name: getattr(party, name) for name in PARTY_FIELDS}


def party_from_json(content: dict[str, str]) -> Party:
    return Party(**{name: content.get(name, "") for name in PARTY_FIELDS})


def tax_ids_to_json(tax_ids: Sequence[TaxId]) -> list[dict[str, str]]:
    return [tax_id._asdict() for tax_id in tax_ids]


def tax_ids_from_json(content: Sequence[dict[str, str]]) -> tuple[TaxId, ...]:
    return tuple(TaxId(**each) for each in content)


def seller_from_row(row: Row[Any]) -> Seller:
    return Seller(
        seller_id=row.seller_id,
        version=row.version,
        party=party_from_json(row.content),
        tax_ids=tax_ids_from_json(row.tax_ids),
        time_zone=row.time_zone,
        number_prefix=row.number_prefix,
        is_default=row.is_default,
        footer=row.footer,
        metadata=row.metadata,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


@lru_cache(maxsize=4096)
def taxes_to_text(taxes: tuple[LineTax, ...]) -> str:
    """JSON; many lines of a run share their taxes."""
    return json.dumps([tax._asdict() for tax in taxes], ensure_ascii=False)


def discounts_to_text(discounts: tuple[LineDiscount, ...]) -> str:
    if not discounts:
        return "[]"
    return json.dumps([{**each._asdict(), "redemption_id": str(each.redemption_id)} for each in discounts])


@lru_cache(maxsize=4096)
def summary_to_text(summary: tuple[TaxSum, ...]) -> str:
    return json.dumps([tax._asdict() for tax in summary], ensure_ascii=False)


@lru_cache(maxsize=4096)
def tax_ids_to_text(tax_ids: tuple[TaxId, ...]) -> str:
    return json.dumps(tax_ids_to_json(tax_ids), ensure_ascii=False)


def number_parts(number: str) -> tuple[int, int] | tuple[None, None]:
    """(year, sequence) of "<prefix>-<year>-<sequence>"; nothing of a draft."""
    if not number:
        return None, None
    _, year, sequence = number.rsplit("-", 2)
    return int(year), int(sequence)


def line_from_row(row: Row[Any]) -> Line:
    of = CreditedLine(row.credit_of_charge_id, row.credit_of_invoice_id, row.credit_of_line_id)
    return Line(
        line_id=row.line_id,
        charge_id=row.charge_id,
        position=row.position,
        description=row.description,
        code=row.code,
        period_start=row.period_start,
        period_end=row.period_end,
        quantity=row.quantity,
        unit_amount=row.unit_amount,
        exact=Exact(row.exact_numerator, row.exact_denominator),
        amount_minor=row.amount_minor,
        net_minor=row.net_minor,
        tax_minor=row.tax_minor,
        tax_behavior=TaxBehavior(row.tax_behavior),
        taxes=tuple(LineTax(**tax) for tax in row.taxes),
        explanation=row.explanation,
        rating_id=row.rating_id,
        event_count=row.event_count,
        discount_minor=row.discount_minor,
        discounts=tuple(_discount(each) for each in row.discounts),
        credit_of=None if row.credit_of_charge_id is None else of,
        reason=row.reason,
        proration=row.proration,
        when=row.change_when,
        settlement=row.settlement,
    )


def _discount(content: dict[str, Any]) -> LineDiscount:
    return LineDiscount(**{**content, "redemption_id": UUID(content["redemption_id"])})


def payment_from_row(row: Row[Any]) -> AppliedPayment:
    unapplied_minor = row.paid_minor - row.amount_minor
    return AppliedPayment(row.payment_id, row.reference, row.amount_minor, row.paid_at, unapplied_minor)


def invoice_from_row(row: Row[Any], lines: Sequence[Line] = (), payments: Sequence[AppliedPayment] = ()) -> Invoice:
    return Invoice(
        invoice_id=row.invoice_id,
        version=row.version,
        state=State(row.state),
        number=row.number or "",
        seller_id=row.seller_id,
        seller_version=row.seller_version,
        customer_id=row.customer_id,
        subscription_id=row.subscription_id,
        due_id=row.due_id,
        run_id=row.run_id,
        currency=row.currency,
        lines=tuple(lines),
        net_minor=row.net_minor,
        tax_minor=row.tax_minor,
        total_minor=row.total_minor,
        paid_minor=row.paid_minor,
        tax_summary=tuple(TaxSum(**tax) for tax in row.tax_summary),
        collection=Collection(row.collection),
        net_terms_days=row.net_terms_days,
        invoice_at=row.invoice_at,
        due_at=row.due_at,
        finalized_at=row.finalized_at,
        paid_at=row.paid_at,
        content_hash=row.content_hash,
        party_id=row.party_id,
        party_version=row.party_version,
        tax_ids=tax_ids_from_json(row.tax_ids),
        metadata=row.metadata,
        created_at=row.created_at,
        updated_at=row.updated_at,
        payments=tuple(payments),
        discount_minor=row.discount_minor,
        credit_applied_minor=row.credit_applied_minor,
    )


def entry_from_row(row: Row[Any]) -> Entry:
    return Entry(
        row.entry_id,
        Account(row.customer_id, row.currency),
        row.sequence,
        EntryKind(row.kind),
        row.amount_minor,
        row.balance_minor,
        row.invoice_id,
        row.effective_at,
        row.payment_id,
    )


def settlement_from_row(row: Sequence[Any]) -> Settlement:
    """The columns in the order of the fields."""
    made = Settlement(*row)
    return made._replace(outcome=Outcome(made.outcome))


def run_to_row(run: Run) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "version": run.version,
        "as_of": run.as_of,
        "mode": run.mode.value,
        "state": run.state.value,
        "published": run.published,
        "metadata": dict(run.metadata),
        "created_at": run.created_at,
        "completed_at": run.completed_at,
    }


def run_from_row(row: Row[Any]) -> Run:
    return Run(
        run_id=row.run_id,
        version=row.version,
        as_of=row.as_of,
        mode=Mode(row.mode),
        state=RunState(row.state),
        published=row.published,
        metadata=row.metadata,
        created_at=row.created_at,
        completed_at=row.completed_at,
    )


def clock_to_row(clock: TestClock) -> dict[str, Any]:
    return {
        "now_at": clock.now,
        "target_at": clock.target,
        "phase": clock.phase.value,
        "settled": clock.settled,
        "run_id": clock.run_id,
        "steps": clock.steps,
        "quiet": clock.quiet,
        "moved": clock.moved,
        "idle": clock.idle,
    }


def clock_from_row(row: Row[Any]) -> TestClock:
    return TestClock(
        now=row.now_at,
        target=row.target_at,
        phase=Phase(row.phase),
        settled=row.settled,
        run_id=row.run_id,
        steps=row.steps,
        quiet=row.quiet,
        moved=row.moved,
        idle=row.idle,
    )
