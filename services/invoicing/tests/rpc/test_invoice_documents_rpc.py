"""InvoicesService: documents and previews, good and bad."""

from dataclasses import replace

import pytest
from billing.invoicing.v1 import invoice_pb2
from billing.invoicing.v1 import invoices_service_pb2 as pb
from billing_invoicing.domain.run import Mode, Run, RunState
from billing_invoicing.storage.unit_of_work import PostgresUnitOfWork
from billing_invoicing.wire.dues import due_from_pb
from billing_kernel.ids import encode, uuid7
from billing_testkit.tenants import service_call
from grpc import StatusCode
from invoicing_builders import FEBRUARY, MARCH, billing_due, flat_charge, metered_charge, stamp

pytestmark = pytest.mark.usefixtures("world")
DRAFT = invoice_pb2.INVOICE_STATE_DRAFT


@pytest.fixture
async def invoice(admin, seller, books):
    """An open invoice of one flat and one metered charge."""
    await books.bill(billing_due([flat_charge(4900), metered_charge()]))
    (found,) = (await admin.invoices.ListInvoices(pb.ListInvoicesRequest())).invoices
    return found


async def test_the_pdf_is_rendered_once_and_kept(admin, invoice, world, refused, draft_after):
    request = pb.GetInvoicePdfRequest(invoice_id=invoice.invoice_id)
    call = admin.invoices.GetInvoicePdf(request)
    pdf = await call
    headers = dict(await call.initial_metadata())
    assert headers["content-disposition"] == 'inline; filename="ACME-2026-000001.pdf"'
    assert (pdf.content_type, pdf.data) == ("application/pdf", b"%PDF ACME-2026-000001 ACME GmbH Anna M\xc3\xbcller")
    printed = len(world.printing.render.__self__.printed)
    assert await admin.invoices.GetInvoicePdf(request) == pdf
    assert len(world.printing.render.__self__.printed) == printed
    refusal = await refused(admin.invoices.GetInvoicePdf(pb.GetInvoicePdfRequest(invoice_id=await draft_after())))
    assert (refusal.code, refusal.reason) == (StatusCode.FAILED_PRECONDITION, "INVOICE_NOT_FINAL")


@pytest.fixture
def draft_after(admin, books):
    """Makes a draft and gives its id."""

    async def make():
        run = Run(uuid7(), 1, FEBRUARY, Mode.DRAFT, RunState.SETTLING, 1, {}, FEBRUARY)
        async with books.database.begin(service_call(books.tenant_id)) as tx:
            await PostgresUnitOfWork(tx).runs.insert(run)
        await books.bill(billing_due(run_id=encode("run", run.run_id)))
        found = await admin.invoices.ListInvoices(pb.ListInvoicesRequest(state=DRAFT))
        return found.invoices[0].invoice_id

    return make


async def test_a_seller_that_changes_leaves_final_invoices_alone(admin, invoice, world, books, seller):
    async with books.database.begin(service_call(books.tenant_id)) as tx:
        sellers = PostgresUnitOfWork(tx).sellers
        party = replace(seller.party, company="Renamed AG")
        await sellers.save(replace(seller, version=2, party=party, updated_at=MARCH))
    pdf = await admin.invoices.GetInvoicePdf(pb.GetInvoicePdfRequest(invoice_id=invoice.invoice_id))
    assert b"ACME GmbH" in pdf.data


def preview(subscription_id):
    return pb.PreviewUpcomingInvoiceRequest(subscription_id=encode("sub", subscription_id))


@pytest.fixture
def upcoming(world, seller):
    """What would fall due next, known to the fake of subscriptions."""
    due = due_from_pb(billing_due([flat_charge(4900), metered_charge()], effective_time=stamp(MARCH)))
    world.renewals.dues[due.subscription_id] = due
    return due


async def test_a_preview_is_the_invoice_that_will_be_and_writes_nothing(admin, upcoming, books):
    found = (await admin.invoices.PreviewUpcomingInvoice(preview(upcoming.subscription_id))).invoice
    assert (found.invoice_id, found.number, found.etag, found.state) == ("", "", "", DRAFT)
    assert (found.total_minor, found.invoice_time) == (12971, stamp(MARCH))
    assert found.lines[1].quantity == "1200"
    assert found.lines[1].rating_id == ""
    assert found.customer_party.name == "Anna Müller"
    assert books.peers.ratings.asked == [(1, False)]
    assert await books.rows("SELECT 1 FROM invoice UNION SELECT 1 FROM settled_due UNION SELECT 1 FROM outbox") == []
    assert await books.one("SELECT count(*) FROM party WHERE customer_id IS NOT NULL") == 0


async def test_previews_are_refused(admin, upcoming, world, client_of, tenant_id, refused):
    call = admin.invoices.PreviewUpcomingInvoice
    refusal = await refused(call(preview(uuid7())))
    assert (refusal.code, refusal.reason) == (StatusCode.NOT_FOUND, "SUBSCRIPTION_NOT_FOUND")
    ended, owner = uuid7(), uuid7()
    world.renewals.owners[ended] = owner
    assert (await refused(call(preview(ended)))).reason == "NOTHING_TO_BILL"
    mine = client_of(tenant_id, "customer", upcoming.payer_id).invoices.PreviewUpcomingInvoice
    assert (await mine(preview(upcoming.subscription_id))).invoice.total_minor == 12971
    assert (await refused(mine(preview(ended)))).reason == "SUBSCRIPTION_NOT_FOUND"
    other = client_of(tenant_id, "customer", owner).invoices.PreviewUpcomingInvoice
    assert (await refused(other(preview(upcoming.subscription_id)))).reason == "SUBSCRIPTION_NOT_FOUND"
    assert (await refused(other(preview(ended)))).reason == "NOTHING_TO_BILL"


async def test_a_preview_says_what_would_park_the_due(admin, upcoming, world, refused):
    world.renewals.dues[upcoming.subscription_id] = upcoming._replace(seller_id=uuid7())
    refusal = await refused(admin.invoices.PreviewUpcomingInvoice(preview(upcoming.subscription_id)))
    assert (refusal.code, refusal.reason) == (StatusCode.FAILED_PRECONDITION, "SELLER_NOT_FOUND")
