"""InvoicesService: every method, good and bad."""

import pytest
from billing.common.v1 import money_pb2
from billing.invoicing.v1 import invoice_pb2
from billing.invoicing.v1 import invoices_service_pb2 as pb
from billing_invoicing.domain.run import Mode, Run, RunState
from billing_invoicing.storage.unit_of_work import PostgresUnitOfWork
from billing_kernel.ids import decode, encode, uuid7
from billing_testkit.tenants import service_call
from google.protobuf.field_mask_pb2 import FieldMask
from grpc import StatusCode
from invoicing_builders import FEBRUARY, billing_due, flat_charge, metered_charge

pytestmark = pytest.mark.usefixtures("world")
DRAFT, OPEN, PAID, VOID = (
    invoice_pb2.INVOICE_STATE_DRAFT,
    invoice_pb2.INVOICE_STATE_OPEN,
    invoice_pb2.INVOICE_STATE_PAID,
    invoice_pb2.INVOICE_STATE_VOID,
)
UNKNOWN = encode("inv", uuid7())
MASK = FieldMask(paths=["metadata"])


async def only(admin):
    (found,) = (await admin.invoices.ListInvoices(pb.ListInvoicesRequest())).invoices
    return found


@pytest.fixture
async def due(seller, books):
    """A due of one flat and one metered charge, invoiced and open."""
    made = billing_due([flat_charge(4900), metered_charge()])
    await books.bill(made)
    return made


@pytest.fixture
async def invoice(admin, due):
    return await only(admin)


@pytest.fixture
async def draft(admin, seller, books):
    run = Run(uuid7(), 1, FEBRUARY, Mode.DRAFT, RunState.SETTLING, 1, {}, FEBRUARY)
    async with books.database.begin(service_call(books.tenant_id)) as tx:
        await PostgresUnitOfWork(tx).runs.insert(run)
    await books.bill(billing_due(run_id=encode("run", run.run_id)))
    return await only(admin)


async def test_get_shows_lines_with_their_explanation(admin, due, invoice):
    found = (await admin.invoices.GetInvoice(pb.GetInvoiceRequest(invoice_id=invoice.invoice_id))).invoice
    assert (found.number, found.state, found.total_minor, found.due_minor) == ("ACME-2026-000001", OPEN, 12971, 12971)
    assert (found.customer_party.name, found.customer_party.address.city) == ("Anna Müller", "Berlin")
    flat, metered = found.lines
    assert (flat.explanation, flat.explanation_sentence) == (due.charges[0].explanation, "49 EUR flat = 49.00 EUR")
    assert (metered.quantity, metered.event_count, metered.amount_minor) == ("1200", 1200, 6000)
    assert metered.explanation_sentence == "1200 units × 0.05 EUR per unit = 60.00 EUR"
    (tax,) = flat.taxes
    assert (tax.rule, tax.rate_percent, tax.rounding, tax.source) == ("CUSTOMER_PLACE", "19", "PER_LINE", "source")
    (summed,) = found.tax_summary
    assert (summed.base_minor, summed.amount_minor) == (10900, 2071)
    masked = pb.GetInvoiceRequest(invoice_id=invoice.invoice_id, read_mask=FieldMask(paths=["total_minor"]))
    assert (await admin.invoices.GetInvoice(masked)).invoice == invoice_pb2.Invoice(total_minor=12971)


async def test_lists_without_lines_by_filter_and_page(admin, due, invoice, books, stranger):
    await books.bill(billing_due(), billing_due())
    assert not invoice.lines
    assert invoice.customer_party.name == "Anna Müller"
    first = await admin.invoices.ListInvoices(pb.ListInvoicesRequest(page_size=2))
    rest = await admin.invoices.ListInvoices(pb.ListInvoicesRequest(page_token=first.next_page_token))
    names = [each.invoice_id for each in (*first.invoices, *rest.invoices)]
    assert (len(names), names[0]) == (3, invoice.invoice_id)
    for limit in (
        {"customer_id": due.customer_id},
        {"subscription_id": due.subscription_id},
        {"run_id": due.run_id},
    ):
        found = (await admin.invoices.ListInvoices(pb.ListInvoicesRequest(**limit))).invoices
        assert [each.invoice_id for each in found] == [invoice.invoice_id]
    assert len((await admin.invoices.ListInvoices(pb.ListInvoicesRequest(state=OPEN))).invoices) == 3
    assert not (await admin.invoices.ListInvoices(pb.ListInvoicesRequest(state=PAID))).invoices
    assert not (await stranger.invoices.ListInvoices(pb.ListInvoicesRequest())).invoices


@pytest.mark.parametrize(
    "request_",
    [
        pb.ListInvoicesRequest(customer_id="cus_x"),
        pb.ListInvoicesRequest(state=42),
        pb.ListInvoicesRequest(page_size=-1),
        pb.ListInvoicesRequest(page_token="%%%"),
        pb.ListInvoicesRequest(read_mask=FieldMask(paths=["nonsense"])),
    ],
)
async def test_bad_lists(admin, invoice, refused, request_):
    assert (await refused(admin.invoices.ListInvoices(request_))).code is StatusCode.INVALID_ARGUMENT


def calls(client, invoice_id):
    """Every method that names an invoice."""
    service = client.invoices
    return (
        service.GetInvoice(pb.GetInvoiceRequest(invoice_id=invoice_id)),
        service.GetInvoicePdf(pb.GetInvoicePdfRequest(invoice_id=invoice_id)),
        service.FinalizeInvoice(pb.FinalizeInvoiceRequest(invoice_id=invoice_id)),
        service.VoidInvoice(pb.VoidInvoiceRequest(invoice_id=invoice_id, reason="wrong")),
        service.MarkInvoicePaid(pb.MarkInvoicePaidRequest(invoice_id=invoice_id, reference="r")),
        service.UpdateInvoice(pb.UpdateInvoiceRequest(invoice_id=invoice_id, update_mask=MASK)),
    )


async def test_what_is_not_there_or_not_ours(admin, stranger, invoice, refused):
    for call in (*calls(admin, UNKNOWN), *calls(stranger, invoice.invoice_id)):
        refusal = await refused(call)
        assert (refusal.code, refusal.reason) == (StatusCode.NOT_FOUND, "INVOICE_NOT_FOUND")


async def test_ids_of_another_kind(admin, refused):
    for call in calls(admin, encode("cus", uuid7())):
        assert (await refused(call)).fields == ("invoice_id",)


async def test_a_customer_reads_its_own_invoices_alone(admin, client_of, tenant_id, due, invoice, books, refused):
    await books.bill(billing_due())
    owner = client_of(tenant_id, "customer", decode("cus", due.customer_id))
    assert [each.invoice_id for each in (await owner.invoices.ListInvoices(pb.ListInvoicesRequest())).invoices] == [
        invoice.invoice_id
    ]
    found = (await owner.invoices.GetInvoice(pb.GetInvoiceRequest(invoice_id=invoice.invoice_id))).invoice
    assert (len(found.lines), found.customer_party.name) == (2, "Anna Müller")
    pdf = await owner.invoices.GetInvoicePdf(pb.GetInvoicePdfRequest(invoice_id=invoice.invoice_id))
    assert b"ACME GmbH Anna" in pdf.data
    other = client_of(tenant_id, "customer", uuid7())
    for call in calls(other, invoice.invoice_id)[:2]:
        assert (await refused(call)).reason == "INVOICE_NOT_FOUND"
    for call in calls(owner, invoice.invoice_id)[2:]:
        assert (await refused(call)).code is StatusCode.PERMISSION_DENIED


async def test_a_viewer_changes_nothing(viewer, invoice, refused):
    for call in calls(viewer, invoice.invoice_id)[2:]:
        assert (await refused(call)).code is StatusCode.PERMISSION_DENIED


async def test_money_needs_a_key(admin, invoice, refused):
    request = pb.MarkInvoicePaidRequest(invoice_id=invoice.invoice_id, reference="r")
    assert (await refused(admin.invoices.MarkInvoicePaid(request, ""))).reason == "IDEMPOTENCY_KEY_REQUIRED"


async def test_a_draft_becomes_final(admin, draft, books):
    assert (draft.state, draft.number, draft.due_minor) == (DRAFT, "", 0)
    assert not draft.HasField("finalize_time")
    assert not draft.HasField("customer_party")
    request = pb.FinalizeInvoiceRequest(invoice_id=draft.invoice_id, etag=draft.etag)
    first = await admin.invoices.FinalizeInvoice(request, "key-f")
    final = first.invoice
    assert (final.state, final.etag, final.due_minor, final.total_minor) == (OPEN, "2", 5831, draft.total_minor)
    assert final.number.endswith("-000001")
    assert final.customer_party.name == "Anna Müller"
    assert final.content_hash.startswith("v1:")
    assert len(final.lines) == 1
    assert await admin.invoices.FinalizeInvoice(request, "key-f") == first
    (event,) = await books.events("InvoiceFinalized")
    assert (event.invoice.number, event.invoice.version) == (final.number, 2)
    assert await books.broken() == {}


async def test_a_draft_of_nothing_is_paid_when_it_becomes_final(admin, draft, seller, books):
    run_id = await books.one("SELECT run_id FROM invoice")
    await books.bill(billing_due([flat_charge(0)], run_id=encode("run", run_id)))
    free = next(
        each for each in (await admin.invoices.ListInvoices(pb.ListInvoicesRequest())).invoices if not each.total_minor
    )
    request = pb.FinalizeInvoiceRequest(invoice_id=free.invoice_id)
    assert (await admin.invoices.FinalizeInvoice(request)).invoice.state == PAID
    assert [type(event).__name__ for event in await books.events()][-2:] == ["InvoiceFinalized", "InvoicePaid"]


async def test_finalising_is_refused(admin, draft, invoice_of, world, refused):
    request = pb.FinalizeInvoiceRequest(invoice_id=draft.invoice_id, etag="7")
    refusal = await refused(admin.invoices.FinalizeInvoice(request))
    assert (refusal.code, refusal.reason) == (StatusCode.ABORTED, "ETAG_MISMATCH")
    world.peers.parties.unknown.add(await invoice_of("party_id"))
    refusal = await refused(admin.invoices.FinalizeInvoice(pb.FinalizeInvoiceRequest(invoice_id=draft.invoice_id)))
    assert (refusal.code, refusal.reason) == (StatusCode.FAILED_PRECONDITION, "PARTY_NOT_FOUND")
    world.peers.parties.unknown.clear()
    await admin.invoices.FinalizeInvoice(pb.FinalizeInvoiceRequest(invoice_id=draft.invoice_id))
    refusal = await refused(admin.invoices.FinalizeInvoice(pb.FinalizeInvoiceRequest(invoice_id=draft.invoice_id)))
    assert (refusal.code, refusal.reason) == (StatusCode.FAILED_PRECONDITION, "INVOICE_NOT_DRAFT")


@pytest.fixture
def invoice_of(books):
    """`await invoice_of("column")` of the one invoice."""
    return lambda column: books.one(f"SELECT {column} FROM invoice")


async def test_void_frees_the_charges_and_keeps_the_number(admin, due, invoice, books, refused):
    request = pb.VoidInvoiceRequest(invoice_id=invoice.invoice_id, reason="wrong customer", etag=invoice.etag)
    void = (await admin.invoices.VoidInvoice(request)).invoice
    assert (void.state, void.number, void.due_minor) == (VOID, invoice.number, 0)
    (event,) = await books.events("InvoiceVoided")
    assert (event.reason, event.invoice.due.amount_minor) == ("wrong customer", 0)
    assert await books.one("SELECT count(*) FROM invoiced_charge") == 0
    await books.bill(billing_due(list(due.charges)))
    assert await books.rows("SELECT number, state FROM invoice ORDER BY number") == [
        ("ACME-2026-000001", "void"),
        ("ACME-2026-000002", "open"),
    ]
    assert (await refused(admin.invoices.VoidInvoice(request))).reason == "ETAG_MISMATCH"
    again = pb.VoidInvoiceRequest(invoice_id=invoice.invoice_id, reason="again")
    assert (await refused(admin.invoices.VoidInvoice(again))).reason == "INVOICE_VOID"
    assert await books.broken() == {}


async def test_a_draft_can_be_voided(admin, draft, books, refused):
    request = pb.VoidInvoiceRequest(invoice_id=draft.invoice_id, reason="mistake")
    assert (await admin.invoices.VoidInvoice(request)).invoice.number == ""
    pdf = pb.GetInvoicePdfRequest(invoice_id=draft.invoice_id)
    assert (await refused(admin.invoices.GetInvoicePdf(pdf))).reason == "INVOICE_NOT_FINAL"
    assert await books.broken() == {}


@pytest.mark.parametrize("reason", ["", "x" * 201, "a\x07b"])
async def test_a_void_has_a_reason(admin, refused, reason):
    refusal = await refused(admin.invoices.VoidInvoice(pb.VoidInvoiceRequest(invoice_id=UNKNOWN, reason=reason)))
    assert refusal.fields == ("reason",)


def paid(invoice, minor=None, currency="EUR", reference="wire 7"):
    amount = None if minor is None else money_pb2.Money(currency_code=currency, amount_minor=minor)
    return pb.MarkInvoicePaidRequest(invoice_id=invoice.invoice_id, amount=amount, reference=reference)


async def test_paid_in_parts_out_of_band(admin, invoice, books, refused):
    first = await admin.invoices.MarkInvoicePaid(paid(invoice, 1000), "key-p")
    assert await admin.invoices.MarkInvoicePaid(paid(invoice, 1000), "key-p") == first
    assert (first.invoice.state, first.invoice.paid_minor, first.invoice.due_minor) == (OPEN, 1000, 11971)
    assert await books.events("InvoicePaid") == []
    (partly,) = await books.events("InvoicePartlyPaid")
    assert (partly.invoice.due.amount_minor, str(partly.invoice.version)) == (11971, first.invoice.etag)
    void = pb.VoidInvoiceRequest(invoice_id=invoice.invoice_id, reason="x")
    assert (await refused(admin.invoices.VoidInvoice(void))).reason == "INVOICE_PAID"
    last = (await admin.invoices.MarkInvoicePaid(paid(invoice))).invoice
    assert (last.state, last.due_minor) == (PAID, 0)
    assert [(each.amount_minor, each.reference, each.payment_id) for each in last.payments] == [
        (1000, "wire 7", ""),
        (11971, "wire 7", ""),
    ]
    assert last.HasField("paid_time")
    assert len(await books.events("InvoicePaid")) == len(await books.events("InvoicePartlyPaid")) == 1
    found = (await admin.invoices.GetInvoice(pb.GetInvoiceRequest(invoice_id=invoice.invoice_id))).invoice
    assert found == last
    assert await books.broken() == {}


@pytest.mark.parametrize(
    ("minor", "currency", "code", "reason"),
    [
        (12972, "EUR", StatusCode.FAILED_PRECONDITION, "PAYMENT_EXCEEDS_DUE"),
        (2**63 - 1, "EUR", StatusCode.FAILED_PRECONDITION, "PAYMENT_EXCEEDS_DUE"),
        (0, "EUR", StatusCode.INVALID_ARGUMENT, "AMOUNT_NOT_POSITIVE"),
        (-1, "EUR", StatusCode.INVALID_ARGUMENT, "AMOUNT_NOT_POSITIVE"),
        (100, "USD", StatusCode.FAILED_PRECONDITION, "CURRENCY_MISMATCH"),
        (100, "QQQ", StatusCode.INVALID_ARGUMENT, "UNKNOWN_CURRENCY"),
        (100, "eur", StatusCode.INVALID_ARGUMENT, "VALIDATION_FAILED"),
    ],
)
async def test_bad_payments(admin, invoice, books, refused, minor, currency, code, reason):
    refusal = await refused(admin.invoices.MarkInvoicePaid(paid(invoice, minor, currency)))
    assert (refusal.code, refusal.reason) == (code, reason)
    assert await books.one("SELECT count(*) FROM applied_payment") == 0


async def test_only_an_open_invoice_is_paid(admin, draft, refused):
    assert (await refused(admin.invoices.MarkInvoicePaid(paid(draft)))).reason == "INVOICE_NOT_OPEN"


async def test_labels(admin, invoice, refused):
    request = pb.UpdateInvoiceRequest(
        invoice_id=invoice.invoice_id, metadata={"po": "42"}, update_mask=MASK, etag=invoice.etag
    )
    after = (await admin.invoices.UpdateInvoice(request)).invoice
    assert (dict(after.metadata), after.etag, after.total_minor) == ({"po": "42"}, "2", invoice.total_minor)
    assert (await refused(admin.invoices.UpdateInvoice(request))).reason == "ETAG_MISMATCH"
    request = pb.UpdateInvoiceRequest(invoice_id=invoice.invoice_id, update_mask=FieldMask(paths=["total_minor"]))
    assert (await refused(admin.invoices.UpdateInvoice(request))).reason == "INVALID_UPDATE_MASK"
