"""The jobs, over tenants."""

from dataclasses import dataclass, field, replace
from uuid import UUID

from billing_kernel.ids import uuid7
from billing_payments.domain.payment import PaymentState
from billing_payments.jobs.collection import collection_jobs
from billing_payments.storage.queue import PostgresQueue
from billing_runtime.call import current_call
from billing_testkit.tenants import admin_call
from sqlalchemy import text


@dataclass
class Tenants:
    """The port `Queue` for these tenants alone."""

    due: list[UUID] = field(default_factory=list)
    unclear: list[UUID] = field(default_factory=list)

    async def tenants_due(self, limit):
        return self.due[:limit]

    async def tenants_unclear(self, limit):
        return self.unclear[:limit]


def jobs_of(payments, queue):
    return {job.name: job.run for job in collection_jobs(queue, payments.collector)}


async def test_due_attempts_of_all_tenants_are_made_and_then_resolved(payments, day):
    other = replace(payments, call=admin_call(uuid7()))
    paid, unclear = await payments.due(), await other.due("tok_timeout_after_charge")
    jobs = jobs_of(payments, PostgresQueue(payments.database))
    while await jobs["retries"]():
        pass
    assert (await payments.get(paid)).state is PaymentState.SUCCEEDED
    assert (await other.get(unclear)).state is PaymentState.UNKNOWN
    while await jobs["resolutions"]():
        pass
    assert (await other.get(unclear)).state is PaymentState.SUCCEEDED


async def test_a_job_acts_in_its_own_name(payments):
    await payments.due()
    await jobs_of(payments, Tenants([payments.call.tenant_id]))["retries"]()
    async with payments.database.read(payments.call) as tx:
        actors = (await tx.conn.execute(text("SELECT actor FROM outbox ORDER BY id"))).scalars().all()
    assert actors[1:] == ["job:retries"]


async def test_a_tenant_that_fails_does_not_stop_the_others(payments, day):
    paid, broken = await payments.due(), replace(payments, call=admin_call(uuid7()))
    await broken.due()
    failed = payments.collector.begin
    tenant = broken.call.tenant_id

    def begin():
        if current_call().tenant_id == tenant:
            raise RuntimeError("a bug that only this tenant meets")
        return failed()

    payments.collector = replace(payments.collector, begin=begin)
    queue = Tenants([tenant, payments.call.tenant_id])
    assert await jobs_of(payments, queue)["retries"]() == 1
    assert (await payments.get(paid)).state is PaymentState.SUCCEEDED


async def test_nothing_to_do(payments):
    jobs = jobs_of(payments, Tenants())
    assert [await run() for run in jobs.values()] == [0, 0]
