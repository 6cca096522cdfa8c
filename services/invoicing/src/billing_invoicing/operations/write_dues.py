"""One transaction: lines, what became of each due, then numbers (taken last), invoices and events."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from billing_runtime.fault import failpoint

from billing_invoicing.domain.billing import settlement
from billing_invoicing.domain.due import Outcome, Settlement
from billing_invoicing.domain.events import DueSettled, InvoiceFinalized, InvoicePaid, InvoicingEvent
from billing_invoicing.domain.invoice import Invoice, State
from billing_invoicing.domain.run import Mode
from billing_invoicing.domain.seller import Seller
from billing_invoicing.operations.number_invoices import number_invoices
from billing_invoicing.operations.ports import UnitOfWork
from billing_invoicing.operations.prepared import Batch, Prepared
from billing_invoicing.operations.use_account_credit import use_account_credit

Causes = Mapping[UUID, Any]


async def write_dues(uow: UnitOfWork, batch: Batch, *, now: datetime, causes: Causes) -> list[Settlement]:
    """Writes a batch of dues that were never settled. Raises UniqueViolated when another transaction was faster."""
    settled = [_settlement(each) for each in batch.dues]
    await uow.dues.settle(settled, now)
    await _write(uow, batch, settled, now, causes)
    return settled


async def write_retried(uow: UnitOfWork, batch: Batch, *, now: datetime) -> Settlement:
    """The same for one due that was parked; it is parked no more."""
    settled = _settlement(batch.dues[0])
    await uow.dues.resettle(settled, now)
    await _write(uow, batch, [settled], now, {})
    return settled


def _settlement(each: Prepared) -> Settlement:
    made = settlement(each.due, each.outcome, invoice=each.invoice, refusal=each.refusal)
    return made._replace(invoice_id=each.held) if each.held else made


async def _write(uow: UnitOfWork, batch: Batch, settled: Sequence[Settlement], now: datetime, causes: Causes) -> None:
    parked = [(each.asked, each.refusal) for each in batch.dues if each.refusal is not None]
    if parked:
        await uow.dues.park(parked, now)
    if batch.parties:
        owners = {each.due.party_id: each.due.payer_id for each in batch.dues}
        await uow.parties.keep(batch.parties, owners)
    made = [each for each in batch.dues if each.invoice is not None]
    await uow.invoices.insert_lines([each.invoice for each in made if each.invoice is not None])
    numbered = await _numbered(uow, made)
    failpoint("invoicing.numbered")
    await uow.invoices.insert([*numbered.values()])
    await _publish(uow, batch.dues, settled, numbered, causes)


async def _numbered(uow: UnitOfWork, made: Sequence[Prepared]) -> dict[UUID, Invoice]:
    """Due -> its invoice as it is written: final ones with the account credit they use and their number, in order of
    date; drafts as they are."""
    invoices = {each.due.due_id: each.invoice for each in made if each.invoice is not None}
    groups: dict[UUID, tuple[Seller, list[Invoice]]] = {}
    final = [each for each in made if each.mode is Mode.FINAL]
    by_seller: dict[UUID, list[Prepared]] = defaultdict(list)
    for each in sorted(final, key=lambda each: each.due.effective_at):
        assert each.seller is not None
        by_seller[each.seller.seller_id].append(each)
    for seller_id in sorted(by_seller):
        members = by_seller[seller_id]
        seller = members[0].seller
        assert seller is not None
        groups[seller_id] = (seller, [invoices[each.due.due_id] for each in members])
    credited = await use_account_credit(uow, [each for _, drafts in groups.values() for each in drafts])
    for seller, drafts in groups.values():
        for invoice in await number_invoices(uow, seller, [credited[each.invoice_id] for each in drafts]):
            assert invoice.due_id is not None
            invoices[invoice.due_id] = invoice
    return invoices


async def _publish(
    uow: UnitOfWork,
    dues: Sequence[Prepared],
    settled: Sequence[Settlement],
    invoices: Mapping[UUID, Invoice],
    causes: Causes,
) -> None:
    for each, told in zip(dues, settled, strict=True):
        invoice = invoices.get(each.due.due_id)
        at = invoice.invoice_at if invoice is not None else each.due.effective_at
        events: list[InvoicingEvent] = []
        if invoice is not None and invoice.state is not State.DRAFT:
            events.append(InvoiceFinalized(invoice, at))
            if invoice.state is State.PAID:
                events.append(InvoicePaid(invoice, at))
        await uow.publish(*events, DueSettled(told, at), cause=causes.get(each.due.due_id))


assert {Outcome.INVOICED, Outcome.PARKED, Outcome.NOTHING_TO_BILL} == set(Outcome)
