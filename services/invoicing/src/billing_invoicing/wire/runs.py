"""Billing runs and parked dues between protobuf and domain."""

from datetime import UTC, datetime

from billing.invoicing.v1 import billing_run_pb2, billing_runs_service_pb2
from billing_kernel.ids import uuid7

from billing_invoicing.domain.run import Mode, Run, RunState, Tally
from billing_invoicing.wire.values import RUN, id_to_pb, instant_from_pb, instant_to_pb, money_to_pb

STATES = {
    RunState.CLAIMING: billing_run_pb2.BILLING_RUN_STATE_CLAIMING,
    RunState.SETTLING: billing_run_pb2.BILLING_RUN_STATE_SETTLING,
    RunState.COMPLETE: billing_run_pb2.BILLING_RUN_STATE_COMPLETE,
}
assert set(STATES) == set(RunState)
MODES = {Mode.DRAFT: billing_run_pb2.INVOICE_MODE_DRAFT, Mode.FINAL: billing_run_pb2.INVOICE_MODE_FINAL}
assert set(MODES) == set(Mode)
_UNSET = datetime.min.replace(tzinfo=UTC)  # the operation gives the time


def run_from_pb(request: billing_runs_service_pb2.RunBillingRequest) -> Run:
    """A new run; an unset mode means final."""
    return Run(
        run_id=uuid7(),
        version=1,
        as_of=instant_from_pb(request.as_of, "as_of"),
        mode=Mode.DRAFT if request.mode == billing_run_pb2.INVOICE_MODE_DRAFT else Mode.FINAL,
        state=RunState.CLAIMING,
        published=0,
        metadata=dict(request.metadata),
        created_at=_UNSET,
    )


def run_to_pb(run: Run, tally: Tally) -> billing_run_pb2.BillingRun:
    return billing_run_pb2.BillingRun(
        run_id=id_to_pb(RUN, run.run_id),
        as_of=instant_to_pb(run.as_of),
        state=STATES[run.state],
        mode=MODES[run.mode],
        published=run.published,
        settled=tally.settled,
        parked=tally.parked,
        invoices=tally.invoices,
        totals=[money_to_pb(total) for total in tally.totals],
        create_time=instant_to_pb(run.created_at),
        complete_time=instant_to_pb(run.completed_at),
        metadata=run.metadata,
        etag=str(run.version),
    )
