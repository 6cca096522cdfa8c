"""The job that compares hashes goes through the invoices a piece at a time, round and round."""

from billing_invoicing.jobs.content import content_job
from billing_invoicing.storage.invariants import broken_hashes
from billing_kernel.ids import uuid7
from billing_runtime.call import calling
from billing_testkit.tenants import service_call
from invoicing_builders import billing_due


async def test_it_goes_round():
    tenant_id, last = uuid7(), uuid7()
    places = []

    async def tenants():
        return [tenant_id]

    async def check(after):
        places.append(after)
        return ([last] if after else []), (None if after else last)

    job = content_job(tenants, check)
    for _ in range(3):
        assert await job.run() == 0
    assert places == [None, last, None]


async def test_a_piece_and_where_to_go_on(books, seller, database):
    await books.bill(*[billing_due() for _ in range(3)])
    with calling(service_call(books.tenant_id)):
        broken, after = await broken_hashes(database, None, piece=2)
        assert (broken, after is not None) == ([], True)
        assert await broken_hashes(database, after, piece=2) == ([], None)
