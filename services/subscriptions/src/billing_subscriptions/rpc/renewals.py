"""RenewalsService: what falls due, for the billing run. Internal."""

from typing import Any

from billing.subscriptions.v1 import renewals_service_pb2 as pb
from billing.subscriptions.v1 import renewals_service_pb2_grpc as pb_grpc

from billing_subscriptions.operations.ports import Begin, Read
from billing_subscriptions.operations.preview_billing_due import preview_billing_due
from billing_subscriptions.operations.run_renewals import LANES, run_renewals
from billing_subscriptions.wire.dues import due_to_pb
from billing_subscriptions.wire.ids import run_uuid, subscription_uuid
from billing_subscriptions.wire.times import time_from_pb


class RenewalsServicer(pb_grpc.RenewalsServiceServicer):
    """Claims due boundaries, and shows what the next one would bill."""

    def __init__(self, begin: Begin, read: Read) -> None:
        self.begin = begin
        self.read = read

    async def RunRenewals(self, request: pb.RunRenewalsRequest, context: Any) -> pb.RunRenewalsResponse:
        run_id, as_of = run_uuid(request.run_id), time_from_pb(request.as_of)
        run = await run_renewals(self.begin, run_id, as_of, request.limit, lanes=LANES)
        return pb.RunRenewalsResponse(published=run.published, published_in_run=run.published_in_run, more=run.more)

    async def PreviewBillingDue(
        self, request: pb.PreviewBillingDueRequest, context: Any
    ) -> pb.PreviewBillingDueResponse:
        async with self.read() as reads:
            due = await preview_billing_due(reads, subscription_uuid(request.subscription_id))
        return pb.PreviewBillingDueResponse(due=None if due is None else due_to_pb(due))
