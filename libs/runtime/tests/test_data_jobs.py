import asyncio
from contextlib import suppress
from uuid import UUID

import pytest
from billing_kernel.ids import uuid7
from billing_runtime.invariants import active_tenants, broken_rules
from billing_runtime.jobs import Job, JobRunner, job_call
from billing_runtime.leases import Leases
from billing_runtime.metrics import REGISTRY
from billing_testkit.tenants import admin_call
from google.protobuf.wrappers_pb2 import StringValue


@pytest.fixture
def name():
    return f"job-{uuid7()}"


async def test_a_lease_has_one_holder_until_it_expires_or_is_released(sample_database, name):
    one, two = Leases(sample_database, "one"), Leases(sample_database, "two")
    assert [await one.acquire(name), await two.acquire(name), await one.acquire(name)] == [True, False, True]
    assert [await one.renew(name), await two.renew(name)] == [True, False]
    assert [await two.release(name), await one.release(name), await two.acquire(name)] == [False, True, True]
    brief = Leases(sample_database, "brief", ttl_s=0.0)
    await two.release(name)
    assert await brief.acquire(name)
    assert not await brief.renew(name)
    assert await one.acquire(name)


async def test_of_many_candidates_one_holds_it(sample_database, name):
    candidates = [Leases(sample_database, f"holder {number}") for number in range(8)]
    assert sum(await asyncio.gather(*(candidate.acquire(name) for candidate in candidates))) == 1


async def test_a_job_runs_again_at_once_while_rows_are_due_and_in_one_process(sample_database, name):
    due, active, most, stop = 30, 0, 0, asyncio.Event()

    async def run():
        nonlocal due, active, most
        active += 1
        most = max(most, active)
        await asyncio.sleep(0)
        active -= 1
        due -= 1
        if due == 0:
            stop.set()
        return 1

    runners = [JobRunner(sample_database, [Job(name, 3600.0, run)]) for _ in range(3)]
    await asyncio.wait_for(asyncio.gather(*(runner.run(stop) for runner in runners)), 20)
    assert (due, most) == (0, 1)


async def test_another_process_takes_over_and_a_failing_job_goes_on(sample_database, name):
    stop, runs = asyncio.Event(), []

    async def run():
        runs.append(1)
        if len(runs) == 3:
            stop.set()
        raise ValueError

    gone = Leases(sample_database, "gone", ttl_s=0.2)
    assert await gone.acquire(f"job:{name}")
    await asyncio.wait_for(JobRunner(sample_database, [Job(name, 0.05, run)]).run(stop), 20)
    assert len(runs) == 3


async def test_work_is_cut_off_when_the_lease_is_lost(sample_database, name):
    started, cut, stop = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def run():
        started.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cut.set()
            raise
        return 0

    running = asyncio.create_task(JobRunner(sample_database, [Job(name, 1.0, run)], ttl_s=0.6).run(stop))
    await started.wait()
    async with sample_database.worker() as conn:
        await conn.exec_driver_sql("UPDATE lease SET holder = 'thief' WHERE name = %s", (f"job:{name}",))
    await asyncio.wait_for(cut.wait(), 10)
    stop.set()
    await running


async def test_work_is_cut_off_before_the_lease_expires_while_its_renewal_hangs(sample_database, name):
    cut, stop, started = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def run():
        started.set()
        try:
            await asyncio.sleep(60)
        finally:
            cut.set()
        return 0

    running = asyncio.create_task(JobRunner(sample_database, [Job(name, 1.0, run)], ttl_s=1.5).run(stop))
    await started.wait()
    async with sample_database.worker() as conn:  # whoever renews waits for this row
        await conn.exec_driver_sql("SELECT FROM lease WHERE name = %s FOR UPDATE", (f"job:{name}",))
        await asyncio.wait_for(cut.wait(), 1.4)
    stop.set()
    await running


async def test_a_canceled_runner_takes_its_work_with_it(sample_database, name):
    cut, started = asyncio.Event(), asyncio.Event()

    async def run():
        started.set()
        try:
            await asyncio.sleep(60)
        finally:
            cut.set()
        return 0

    running = asyncio.create_task(JobRunner(sample_database, [Job(name, 1.0, run)]).run(asyncio.Event()))
    await started.wait()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    assert cut.is_set()


def test_jobs_work_as_themselves(tenant_id):
    call = job_call("renewals", tenant_id)
    assert (call.actor, call.tenant_id, call.effective_at) == ("job:renewals", tenant_id, None)
    assert UUID(call.correlation_id)


async def test_broken_rules_are_counted_over_the_active_tenants(sample_database):
    call = admin_call(key="k")
    async with sample_database.begin(call) as tx:
        await tx.answer(StringValue())
    assert call.tenant_id in await active_tenants(sample_database)
    rules = {
        "never": "SELECT 1 WHERE false",
        "always": f"SELECT 1 WHERE current_setting('app.tenant') = '{call.tenant_id}'",
    }
    broken = await broken_rules(sample_database, rules)
    assert broken["always"] == 1
    assert "never" not in broken


async def test_a_rule_that_fails_is_unchecked_and_the_others_answer(sample_database):
    call = admin_call(key="k")
    async with sample_database.begin(call) as tx:
        await tx.answer(StringValue())
    rules = {
        "fails": "SELECT 1 WHERE 1 / 0 = 1",
        "answers": f"SELECT 1 WHERE current_setting('app.tenant') = '{call.tenant_id}'",
    }
    broken = await broken_rules(sample_database, rules)
    assert broken["answers"] == 1
    assert REGISTRY.get_sample_value("billing_invariant_unchecked", {"rule": "fails"}) >= 1
    assert REGISTRY.get_sample_value("billing_invariant_unchecked", {"rule": "answers"}) == 0
