"""Billing runs carried on by the job, from the first chunk to the last settled due; parked dues tried again."""

from uuid import UUID

import pytest
from billing.invoicing.v1 import events_pb2 as pb
from billing_invoicing.domain.due import Outcome, Refusal
from billing_invoicing.domain.errors import AsOfInFuture, DueRefused, NoSellerYet, ParkedDueNotFound
from billing_invoicing.domain.run import Mode, Run, RunState
from billing_invoicing.jobs.runs import runs_job
from billing_invoicing.operations.advance_run import advance_run
from billing_invoicing.operations.retry_parked_due import retry_parked_due
from billing_invoicing.operations.run_billing import run_billing
from billing_invoicing.storage.queries import reads_of
from billing_invoicing.storage.runs import open_runs, postpone_run
from billing_invoicing.storage.unit_of_work import units_of_work
from billing_kernel.errors import DomainError, Kind
from billing_kernel.ids import encode, uuid7
from billing_runtime.call import calling
from billing_testkit.tenants import admin_call
from invoicing_builders import FEBRUARY, MARCH, billing_due, flat_charge
from invoicing_fakes import FakeRenewals


class Unavailable(DomainError):
    kind = Kind.UNAVAILABLE
    reason = "PEER_UNAVAILABLE"


class Runs:
    """Runs of one tenant against the fake of subscriptions."""

    def __init__(self, database, books):
        self.books = books
        self.begin, self.read = units_of_work(database), reads_of(database)
        self.renewals = FakeRenewals()

    async def start(self, mode=Mode.FINAL, as_of=FEBRUARY):
        wanted = Run(uuid7(), 1, as_of, mode, RunState.CLAIMING, 0, {}, FEBRUARY)
        with calling(admin_call(self.books.tenant_id, at=MARCH)):
            async with self.begin() as uow:
                return await run_billing(uow, wanted)

    async def step(self, run):
        with calling(admin_call(self.books.tenant_id, at=MARCH)):
            return await advance_run(self.begin, self.read, self.renewals, run.run_id, chunk=2)

    async def look(self, run):
        with calling(admin_call(self.books.tenant_id)):
            async with self.read() as reads:
                return await reads.runs.get(run.run_id), await reads.runs.tally(run.run_id)

    async def retry(self, due_id):
        with calling(admin_call(self.books.tenant_id, at=MARCH)):
            return await retry_parked_due(self.begin, self.read, self.books.peers, due_id)


@pytest.fixture
def runs(database, books):
    return Runs(database, books)


async def test_a_run_from_the_first_chunk_to_the_last_due(runs, books, seller):
    run = await runs.start()
    runs.renewals.pages = [(2, True), (3, False)]
    assert await runs.step(run)
    assert (await runs.look(run))[0].state is RunState.CLAIMING
    assert await runs.step(run)
    assert (await runs.look(run))[0].state is RunState.SETTLING
    run_id = encode("run", run.run_id)
    await books.bill(billing_due(run_id=run_id), billing_due([], run_id=run_id))
    assert not await runs.step(run)  # one is still on its way
    await books.bill(billing_due([flat_charge(1, "JPY")], run_id=run_id, currency_code="JPY"))
    assert await runs.step(run)
    done, tally = await runs.look(run)
    assert (done.state, done.published, done.completed_at) == (RunState.COMPLETE, 3, MARCH)
    assert (tally.settled, tally.parked, tally.invoices) == (3, 0, 2)
    assert [(total.currency, total.minor) for total in tally.totals] == [("EUR", 5831), ("JPY", 1)]
    assert [call[2] for call in runs.renewals.calls] == [2, 2]
    (completed,) = await books.events("BillingRunCompleted")
    assert (completed.run_id, completed.settled, completed.invoices) == (run_id, 3, 2)
    assert not await runs.step(run)
    assert await books.broken() == {}


async def test_a_run_with_nothing_due_is_complete(runs, seller):
    run = await runs.start()
    assert await runs.step(run)
    assert await runs.step(run)
    assert (await runs.look(run))[0].state is RunState.COMPLETE


async def test_drafts_have_no_number_and_no_balance(runs, books, seller):
    run = await runs.start(Mode.DRAFT)
    await books.bill(billing_due(run_id=encode("run", run.run_id)))
    assert await books.one("SELECT state, number, content_hash FROM invoice") == ("draft", None, "")
    assert [type(event).__name__ for event in await books.events()] == ["BillingDueSettled"]
    assert books.peers.parties.asked == []
    assert await books.broken() == {}


async def test_a_run_is_refused_in_the_future_and_without_a_seller(runs, books):
    with pytest.raises(AsOfInFuture):
        await runs.start(as_of=MARCH.replace(day=2))
    with pytest.raises(NoSellerYet):
        await runs.start()
    await books.add_seller()
    assert (await runs.start()).state is RunState.CLAIMING


async def test_the_job_is_fair_and_a_failing_run_waits(runs, books, database, seller):
    run = await runs.start()
    runs.renewals.fail = Unavailable("away")

    async def claim():
        return [pair for pair in await open_runs(database) if pair[0] == books.tenant_id]

    async def advance(run_id: UUID):
        return await advance_run(runs.begin, runs.read, runs.renewals, run_id, chunk=1000)

    async def postpone(tenant_id: UUID, run_id: UUID):
        await postpone_run(database, tenant_id, run_id)

    job = runs_job(claim, advance, postpone)
    assert await job.run() == 0
    assert await books.one("SELECT failures, retry_at > clock_timestamp() FROM billing_run") == (1, True)
    assert await claim() == []
    async with database.worker() as conn:
        await conn.exec_driver_sql("UPDATE billing_run SET retry_at = clock_timestamp()")
    runs.renewals.fail = None
    assert await job.run() == 1
    assert (await runs.look(run))[0].state is RunState.SETTLING
    assert await books.one("SELECT failures FROM billing_run") == 0


@pytest.fixture
async def parked(books, seller):
    """A due with an unknown tax category."""
    books.peers.taxes.refuse["gold"] = Refusal("UNKNOWN_TAX_CATEGORY", "no such category")
    due = billing_due([flat_charge(tax_category="gold")])
    await books.bill(due)
    return due


async def test_a_parked_due_is_billed_once_its_cause_is_mended(runs, books, parked):
    due_id = UUID(parked.due_id)
    with pytest.raises(DueRefused) as refused:
        await runs.retry(due_id)
    assert refused.value.reason == "UNKNOWN_TAX_CATEGORY"
    books.peers.taxes.refuse.clear()
    invoice_id = await runs.retry(due_id)
    assert invoice_id == await books.one("SELECT invoice_id FROM invoice")
    assert await runs.retry(due_id) == invoice_id
    assert await books.one("SELECT outcome FROM settled_due") == Outcome.INVOICED.value
    outcomes = [event.outcome for event in await books.events("BillingDueSettled")]
    assert outcomes == [pb.SETTLEMENT_OUTCOME_PARKED, pb.SETTLEMENT_OUTCOME_INVOICED]
    assert await books.one("SELECT count(*) FROM parked_due") == 0
    assert await books.broken() == {}


async def test_what_was_never_parked_is_not_found(runs, seller):
    with pytest.raises(ParkedDueNotFound):
        await runs.retry(uuid7())


async def test_a_retry_that_holds_nothing_new_answers_the_invoice_it_is_on(runs, books, parked):
    books.peers.taxes.refuse.clear()
    await books.bill(billing_due([parked.charges[0]]))  # another due brought the same charge meanwhile
    assert await runs.retry(UUID(parked.due_id)) == await books.one("SELECT invoice_id FROM invoice")
    assert await books.broken() == {}
