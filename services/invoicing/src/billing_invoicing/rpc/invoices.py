"""InvoicesService: convert, call one operation, convert."""

from dataclasses import dataclass
from typing import Any

from billing.invoicing.v1 import invoice_pb2
from billing.invoicing.v1 import invoices_service_pb2 as pb
from billing.invoicing.v1 import invoices_service_pb2_grpc as pb_grpc
from billing_runtime.call import Role, current_call
from billing_runtime.masks import apply_read_mask, check_update_mask
from billing_runtime.paging import page_of, page_size, uuid_of
from google.api import httpbody_pb2

from billing_invoicing.domain.invoice import Invoice
from billing_invoicing.operations.finalize_invoice import finalize_invoice, party_of_draft
from billing_invoicing.operations.mark_invoice_paid import mark_invoice_paid
from billing_invoicing.operations.peer_ports import Blobs, Renewals
from billing_invoicing.operations.ports import Begin, InvoiceFilter, Read, UnitOfWork
from billing_invoicing.operations.prepare_dues import Peers
from billing_invoicing.operations.preview_invoice import preview_invoice
from billing_invoicing.operations.print_invoice import Render, print_invoice
from billing_invoicing.operations.update_invoice import update_invoice
from billing_invoicing.operations.void_invoice import void_invoice
from billing_invoicing.wire.invoices import invoice_to_pb, preview_to_pb, state_from_pb
from billing_invoicing.wire.values import (
    CUSTOMER,
    INVOICE,
    RUN,
    SUBSCRIPTION,
    id_from_pb,
    money_from_pb,
    optional_id_from_pb,
)

PDF = "application/pdf"


@dataclass(frozen=True, slots=True)
class Printing:
    """How documents are made and where they are kept."""

    blobs: Blobs
    render: Render


class InvoicesServicer(pb_grpc.InvoicesServiceServicer):
    """Reads, finalises, voids and settles invoices."""

    def __init__(self, begin: Begin, read: Read, peers: Peers, renewals: Renewals, printing: Printing) -> None:
        self.begin = begin
        self.read = read
        self.peers = peers
        self.renewals = renewals
        self.printing = printing

    async def GetInvoice(self, request: pb.GetInvoiceRequest, context: Any) -> pb.GetInvoiceResponse:
        async with self.read() as reads:
            found = await reads.invoices.get(id_from_pb(INVOICE, request.invoice_id))
            made = await _with_party(reads, found)
        return pb.GetInvoiceResponse(invoice=apply_read_mask(made, request.read_mask))

    async def ListInvoices(self, request: pb.ListInvoicesRequest, context: Any) -> pb.ListInvoicesResponse:
        size = page_size(request.page_size)
        wanted = InvoiceFilter(
            customer_id=optional_id_from_pb(CUSTOMER, request.customer_id),
            subscription_id=optional_id_from_pb(SUBSCRIPTION, request.subscription_id),
            run_id=optional_id_from_pb(RUN, request.run_id),
            state=state_from_pb(request.state),
        )
        async with self.read() as reads:
            rows = await reads.list_invoices(wanted, after=uuid_of(request.page_token), limit=size + 1)
            parties = await reads.parties_of(rows[:size])
        found, token = page_of(
            rows,
            size,
            lambda row: str(row.invoice_id),
            lambda row: apply_read_mask(invoice_to_pb(row, parties.get(row.invoice_id)), request.read_mask),
        )
        return pb.ListInvoicesResponse(invoices=found, next_page_token=token)

    async def FinalizeInvoice(self, request: pb.FinalizeInvoiceRequest, context: Any) -> pb.FinalizeInvoiceResponse:
        invoice_id = id_from_pb(INVOICE, request.invoice_id)
        party = await party_of_draft(self.read, self.peers.parties, invoice_id)
        async with self.begin() as uow:
            made = await finalize_invoice(uow, invoice_id, etag=request.etag, party=party)
            return await uow.answer(pb.FinalizeInvoiceResponse(invoice=await _with_party(uow, made)))

    async def VoidInvoice(self, request: pb.VoidInvoiceRequest, context: Any) -> pb.VoidInvoiceResponse:
        invoice_id = id_from_pb(INVOICE, request.invoice_id)
        async with self.begin() as uow:
            made = await void_invoice(uow, invoice_id, reason=request.reason, etag=request.etag)
            return await uow.answer(pb.VoidInvoiceResponse(invoice=await _with_party(uow, made)))

    async def MarkInvoicePaid(self, request: pb.MarkInvoicePaidRequest, context: Any) -> pb.MarkInvoicePaidResponse:
        invoice_id = id_from_pb(INVOICE, request.invoice_id)
        amount = money_from_pb(request.amount) if request.HasField("amount") else None
        async with self.begin() as uow:
            made = await mark_invoice_paid(uow, invoice_id, amount=amount, reference=request.reference)
            return await uow.answer(pb.MarkInvoicePaidResponse(invoice=await _with_party(uow, made)))

    async def UpdateInvoice(self, request: pb.UpdateInvoiceRequest, context: Any) -> pb.UpdateInvoiceResponse:
        check_update_mask(request.update_mask, ["metadata"])
        invoice_id = id_from_pb(INVOICE, request.invoice_id)
        async with self.begin() as uow:
            made = await update_invoice(uow, invoice_id, dict(request.metadata), etag=request.etag)
            return await uow.answer(pb.UpdateInvoiceResponse(invoice=await _with_party(uow, made)))

    async def PreviewUpcomingInvoice(
        self, request: pb.PreviewUpcomingInvoiceRequest, context: Any
    ) -> pb.PreviewUpcomingInvoiceResponse:
        call = current_call()
        made, party = await preview_invoice(
            self.read,
            self.renewals,
            self.peers,
            id_from_pb(SUBSCRIPTION, request.subscription_id),
            customer_id=call.customer_id if call.role is Role.CUSTOMER else None,
        )
        return pb.PreviewUpcomingInvoiceResponse(invoice=preview_to_pb(made, party))

    async def GetInvoicePdf(self, request: pb.GetInvoicePdfRequest, context: Any) -> httpbody_pb2.HttpBody:
        number, content = await print_invoice(
            self.read,
            self.printing.blobs,
            self.printing.render,
            current_call().tenant_id,
            id_from_pb(INVOICE, request.invoice_id),
        )
        await context.send_initial_metadata((("content-disposition", f'inline; filename="{number}.pdf"'),))
        return httpbody_pb2.HttpBody(content_type=PDF, data=content)


async def _with_party(uow: UnitOfWork, invoice: Invoice) -> invoice_pb2.Invoice:
    """The resource with the frozen copy of its customer; drafts have none yet."""
    party = await uow.parties.get(invoice.party_id, invoice.party_version) if invoice.final else None
    return invoice_to_pb(invoice, party)
