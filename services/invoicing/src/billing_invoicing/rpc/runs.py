"""BillingRunsService: convert, call one operation, convert."""

from datetime import datetime
from typing import Any
from uuid import UUID

from billing.invoicing.v1 import billing_runs_service_pb2 as pb
from billing.invoicing.v1 import billing_runs_service_pb2_grpc as pb_grpc
from billing_runtime.masks import apply_read_mask
from billing_runtime.paging import InvalidPageToken, key_of, page_of, page_size, token_of, uuid_of

from billing_invoicing.domain.run import Tally
from billing_invoicing.operations.ports import Begin, ParkedDue, Read
from billing_invoicing.operations.prepare_dues import Peers
from billing_invoicing.operations.retry_parked_due import retry_parked_due
from billing_invoicing.operations.run_billing import run_billing
from billing_invoicing.wire.runs import run_from_pb, run_to_pb
from billing_invoicing.wire.values import (
    CUSTOMER,
    INVOICE,
    RUN,
    SUBSCRIPTION,
    id_from_pb,
    id_to_pb,
    instant_to_pb,
    uuid_from_pb,
)


class BillingRunsServicer(pb_grpc.BillingRunsServiceServicer):
    """Starts and watches billing runs."""

    def __init__(self, begin: Begin, read: Read, peers: Peers) -> None:
        self.begin = begin
        self.read = read
        self.peers = peers

    async def RunBilling(self, request: pb.RunBillingRequest, context: Any) -> pb.RunBillingResponse:
        wanted = run_from_pb(request)
        async with self.begin() as uow:
            run = await run_billing(uow, wanted)
            return await uow.answer(pb.RunBillingResponse(run=run_to_pb(run, Tally())))

    async def GetBillingRun(self, request: pb.GetBillingRunRequest, context: Any) -> pb.GetBillingRunResponse:
        run_id = id_from_pb(RUN, request.run_id)
        async with self.read() as reads:
            found = run_to_pb(await reads.runs.get(run_id), await reads.runs.tally(run_id))
        return pb.GetBillingRunResponse(run=apply_read_mask(found, request.read_mask))

    async def ListBillingRuns(self, request: pb.ListBillingRunsRequest, context: Any) -> pb.ListBillingRunsResponse:
        size = page_size(request.page_size)
        async with self.read() as reads:
            rows = await reads.list_runs(after=uuid_of(request.page_token), limit=size + 1)
        found, token = page_of(
            rows, size, lambda row: str(row[0].run_id), lambda row: apply_read_mask(run_to_pb(*row), request.read_mask)
        )
        return pb.ListBillingRunsResponse(runs=found, next_page_token=token)

    async def ListParkedDues(self, request: pb.ListParkedDuesRequest, context: Any) -> pb.ListParkedDuesResponse:
        size = page_size(request.page_size)
        async with self.read() as reads:
            rows = await reads.list_parked(after=_place(request.page_token), limit=size + 1)
        page = rows[:size]
        token = token_of(page[-1].parked_at.isoformat(), str(page[-1].due_id)) if len(rows) > size else ""
        found = [apply_read_mask(_parked_to_pb(row), request.read_mask) for row in page]
        return pb.ListParkedDuesResponse(dues=found, next_page_token=token)

    async def RetryParkedDue(self, request: pb.RetryParkedDueRequest, context: Any) -> pb.RetryParkedDueResponse:
        due_id = uuid_from_pb(request.due_id, "due_id")
        invoice_id = await retry_parked_due(self.begin, self.read, self.peers, due_id)
        return pb.RetryParkedDueResponse(invoice_id=id_to_pb(INVOICE, invoice_id))


def _place(token: str) -> tuple[datetime, UUID] | None:
    """The last row of the page before. Raises InvalidPageToken."""
    key = key_of(token, parts=2)
    if key is None:
        return None
    try:
        parked_at, due_id = datetime.fromisoformat(key[0]), UUID(key[1])
    except ValueError as error:
        raise InvalidPageToken("the page token was not given by this method") from error
    if parked_at.tzinfo is None:
        raise InvalidPageToken("the page token was not given by this method")
    return parked_at, due_id


def _parked_to_pb(row: ParkedDue) -> pb.ParkedDue:
    return pb.ParkedDue(
        due_id=str(row.due_id),
        subscription_id=id_to_pb(SUBSCRIPTION, row.subscription_id),
        customer_id=id_to_pb(CUSTOMER, row.customer_id),
        run_id=id_to_pb(RUN, row.run_id),
        reason=row.reason,
        message=row.message,
        park_time=instant_to_pb(row.parked_at),
    )
