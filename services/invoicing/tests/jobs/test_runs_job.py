"""The job of billing runs: one that cannot go on waits, and never holds up the others."""

import pytest
from billing_invoicing.jobs.runs import runs_job
from billing_kernel.errors import Invalid
from billing_kernel.ids import uuid7


@pytest.mark.parametrize("failure", [Invalid("not now"), ZeroDivisionError("a bug")])
async def test_a_run_that_fails_is_postponed_and_the_others_go_on(failure):
    tenant_id, sick, sound = uuid7(), uuid7(), uuid7()
    postponed = []

    async def claim():
        return [(tenant_id, sick), (tenant_id, sound)]

    async def advance(run_id):
        if run_id == sick:
            raise failure
        return True

    async def postpone(tenant_id, run_id):
        postponed.append(run_id)

    assert await runs_job(claim, advance, postpone).run() == 1
    assert postponed == [sick]
