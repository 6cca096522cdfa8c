"""ExemptionsService: convert, call one operation, convert."""

from typing import Any

from billing.tax.v1 import exemptions_service_pb2 as pb
from billing.tax.v1 import exemptions_service_pb2_grpc as pb_grpc
from billing_runtime.masks import apply_read_mask
from billing_runtime.paging import page_of, page_size, uuid_of

from billing_tax.domain.rates import RateTable
from billing_tax.operations.create_exemption import create_exemption
from billing_tax.operations.end_exemption import end_exemption
from billing_tax.operations.ports import Begin, Read
from billing_tax.wire.exemptions import exemption_from_pb, exemption_to_pb
from billing_tax.wire.values import CUSTOMER, EXEMPTION, id_from_pb, instant_from_pb


class ExemptionsServicer(pb_grpc.ExemptionsServiceServicer):
    """Which customers owe no tax, and where."""

    def __init__(self, begin: Begin, read: Read, rates: RateTable) -> None:
        self.begin = begin
        self.read = read
        self.rates = rates

    async def CreateExemption(self, request: pb.CreateExemptionRequest, context: Any) -> pb.CreateExemptionResponse:
        async with self.begin() as uow:
            made = await create_exemption(uow, exemption_from_pb(request), self.rates)
            return await uow.answer(pb.CreateExemptionResponse(exemption=exemption_to_pb(made)))

    async def ListExemptions(self, request: pb.ListExemptionsRequest, context: Any) -> pb.ListExemptionsResponse:
        size = page_size(request.page_size)
        after = uuid_of(request.page_token)
        customer_id = id_from_pb(CUSTOMER, request.customer_id) if request.customer_id else None
        async with self.read() as reads:
            rows = await reads.list_exemptions(customer_id=customer_id, after=after, limit=size + 1)
        found, token = page_of(
            rows, size, lambda row: str(row.id), lambda row: apply_read_mask(exemption_to_pb(row), request.read_mask)
        )
        return pb.ListExemptionsResponse(exemptions=found, next_page_token=token)

    async def EndExemption(self, request: pb.EndExemptionRequest, context: Any) -> pb.EndExemptionResponse:
        async with self.begin() as uow:
            exemption_id = id_from_pb(EXEMPTION, request.exemption_id)
            end = instant_from_pb(request.end_time, "end_time")
            ended = await end_exemption(uow, exemption_id, end=end, etag=request.etag)
            return await uow.answer(pb.EndExemptionResponse(exemption=exemption_to_pb(ended)))
