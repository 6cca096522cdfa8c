"""BillingRunsService: every method, good and bad."""

import pytest
from billing.invoicing.v1 import billing_run_pb2
from billing.invoicing.v1 import billing_runs_service_pb2 as pb
from billing_invoicing.domain.due import Refusal
from billing_kernel.ids import encode, uuid7
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp
from grpc import StatusCode
from invoicing_builders import FEBRUARY, billing_due, flat_charge, stamp

pytestmark = pytest.mark.usefixtures("world")


def run_at(as_of=FEBRUARY, **changes):
    return pb.RunBillingRequest(as_of=stamp(as_of), **changes)


async def test_a_run_starts_and_is_seen(admin, viewer, seller):
    run = (await admin.runs.RunBilling(run_at(metadata={"month": "1"}))).run
    assert (run.state, run.mode) == (billing_run_pb2.BILLING_RUN_STATE_CLAIMING, billing_run_pb2.INVOICE_MODE_FINAL)
    assert (run.as_of.seconds, run.etag, dict(run.metadata)) == (int(FEBRUARY.timestamp()), "1", {"month": "1"})
    assert (await viewer.runs.GetBillingRun(pb.GetBillingRunRequest(run_id=run.run_id))).run == run
    masked = pb.GetBillingRunRequest(run_id=run.run_id, read_mask=FieldMask(paths=["state"]))
    assert (await viewer.runs.GetBillingRun(masked)).run.run_id == ""


async def test_the_progress_is_counted(admin, seller, books):
    run = (await admin.runs.RunBilling(run_at(mode=billing_run_pb2.INVOICE_MODE_DRAFT))).run
    assert run.mode == billing_run_pb2.INVOICE_MODE_DRAFT
    books.peers.taxes.refuse["gold"] = Refusal("UNKNOWN_TAX_CATEGORY", "no such category")
    gold = billing_due([flat_charge(tax_category="gold")], run_id=run.run_id)
    await books.bill(billing_due(run_id=run.run_id), gold, billing_due([], run_id=run.run_id))
    found = (await admin.runs.GetBillingRun(pb.GetBillingRunRequest(run_id=run.run_id))).run
    assert (found.settled, found.parked, found.invoices) == (3, 1, 1)
    assert [(total.currency_code, total.amount_minor) for total in found.totals] == [("EUR", 5831)]


async def test_a_repeated_run_is_the_same_run(admin, seller, books):
    first = await admin.runs.RunBilling(run_at(), "march")
    assert await admin.runs.RunBilling(run_at(), "march") == first
    assert await books.one("SELECT count(*) FROM billing_run") == 1


@pytest.mark.parametrize(
    ("request_", "key", "code", "reason"),
    [
        (run_at(), "", StatusCode.INVALID_ARGUMENT, "IDEMPOTENCY_KEY_REQUIRED"),
        (pb.RunBillingRequest(), None, StatusCode.INVALID_ARGUMENT, "VALIDATION_FAILED"),
        (run_at(mode=99), None, StatusCode.INVALID_ARGUMENT, "VALIDATION_FAILED"),
        (run_at(FEBRUARY.replace(year=2999)), None, StatusCode.FAILED_PRECONDITION, "AS_OF_IN_FUTURE"),
        (pb.RunBillingRequest(as_of=Timestamp(seconds=2**55)), None, StatusCode.INVALID_ARGUMENT, "VALIDATION_FAILED"),
    ],
)
async def test_bad_runs(admin, seller, refused, books, request_, key, code, reason):
    refusal = await refused(admin.runs.RunBilling(request_, key))
    assert refusal.code is code
    assert refusal.reason in (reason, "INVALID_TIME")
    assert await books.one("SELECT count(*) FROM billing_run") == 0


async def test_without_a_seller_there_is_no_run(admin, refused):
    refusal = await refused(admin.runs.RunBilling(run_at()))
    assert (refusal.code, refusal.reason) == (StatusCode.FAILED_PRECONDITION, "SELLER_NOT_FOUND")


async def test_lists_by_page(admin, seller, stranger, refused):
    names = [(await admin.runs.RunBilling(run_at())).run.run_id for _ in range(3)]
    first = await admin.runs.ListBillingRuns(pb.ListBillingRunsRequest(page_size=2))
    rest = await admin.runs.ListBillingRuns(pb.ListBillingRunsRequest(page_token=first.next_page_token))
    assert [run.run_id for run in (*first.runs, *rest.runs)] == names
    assert not (await stranger.runs.ListBillingRuns(pb.ListBillingRunsRequest())).runs
    refusal = await refused(admin.runs.ListBillingRuns(pb.ListBillingRunsRequest(page_token="x")))
    assert refusal.reason == "INVALID_PAGE_TOKEN"


async def test_of_another_tenant_nothing_is_there(admin, stranger, seller, refused):
    run = (await admin.runs.RunBilling(run_at())).run
    for caller, run_id in ((stranger, run.run_id), (admin, encode("run", uuid7()))):
        refusal = await refused(caller.runs.GetBillingRun(pb.GetBillingRunRequest(run_id=run_id)))
        assert (refusal.code, refusal.reason) == (StatusCode.NOT_FOUND, "BILLING_RUN_NOT_FOUND")


async def test_roles(viewer, client_of, tenant_id, refused):
    customer = client_of(tenant_id, "customer", uuid7())
    for call in (
        viewer.runs.RunBilling(run_at()),
        viewer.runs.RetryParkedDue(pb.RetryParkedDueRequest(due_id=str(uuid7()))),
        customer.runs.ListBillingRuns(pb.ListBillingRunsRequest()),
        customer.runs.ListParkedDues(pb.ListParkedDuesRequest()),
    ):
        assert (await refused(call)).code is StatusCode.PERMISSION_DENIED


@pytest.fixture
async def parked(seller, books):
    """Three dues with an unknown tax category."""
    books.peers.taxes.refuse["gold"] = Refusal("UNKNOWN_TAX_CATEGORY", "no such category")
    dues = [billing_due([flat_charge(tax_category="gold")]) for _ in range(3)]
    await books.bill(*dues)
    return {due.due_id: due for due in dues}


async def test_parked_dues_are_listed_with_their_reason(admin, stranger, parked, refused):
    first = await admin.runs.ListParkedDues(pb.ListParkedDuesRequest(page_size=2))
    rest = await admin.runs.ListParkedDues(pb.ListParkedDuesRequest(page_size=2, page_token=first.next_page_token))
    found = [*first.dues, *rest.dues]
    assert {due.due_id for due in found} == set(parked)
    assert len(found) == 3
    one = found[0]
    due = parked[one.due_id]
    assert (one.reason, one.message) == ("UNKNOWN_TAX_CATEGORY", "no such category")
    assert (one.subscription_id, one.customer_id, one.run_id) == (due.subscription_id, due.customer_id, due.run_id)
    assert not (await stranger.runs.ListParkedDues(pb.ListParkedDuesRequest())).dues
    for token in ("x", "WyIyMDI2IiwiMSJd", "WyIyMDI2LTAxLTAxIiwiMDFhIl0"):
        refusal = await refused(admin.runs.ListParkedDues(pb.ListParkedDuesRequest(page_token=token)))
        assert refusal.reason == "INVALID_PAGE_TOKEN"


async def test_a_parked_due_is_retried(admin, stranger, parked, books, refused):
    due_id = next(iter(parked))
    request = pb.RetryParkedDueRequest(due_id=due_id)
    still = await refused(admin.runs.RetryParkedDue(request))
    assert (still.code, still.reason) == (StatusCode.FAILED_PRECONDITION, "UNKNOWN_TAX_CATEGORY")
    foreign = await refused(stranger.runs.RetryParkedDue(request))
    assert (foreign.code, foreign.reason) == (StatusCode.NOT_FOUND, "PARKED_DUE_NOT_FOUND")
    books.peers.taxes.refuse.clear()
    done = await admin.runs.RetryParkedDue(request)
    assert done.invoice_id.startswith("inv_")
    assert await admin.runs.RetryParkedDue(request) == done
    assert await books.broken() == {}


@pytest.mark.parametrize("due_id", ["", "x", "inv_01jx"])
async def test_a_due_is_named_by_its_uuid(admin, refused, due_id):
    refusal = await refused(admin.runs.RetryParkedDue(pb.RetryParkedDueRequest(due_id=due_id)))
    assert (refusal.code, refusal.fields) == (StatusCode.INVALID_ARGUMENT, ("due_id",))
