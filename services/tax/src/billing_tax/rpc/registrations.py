"""RegistrationsService: convert, call one operation, convert."""

from typing import Any

from billing.tax.v1 import registrations_service_pb2 as pb
from billing.tax.v1 import registrations_service_pb2_grpc as pb_grpc
from billing_runtime.masks import apply_read_mask
from billing_runtime.paging import page_of, page_size, uuid_of

from billing_tax.domain.rates import RateTable
from billing_tax.operations.create_registration import create_registration
from billing_tax.operations.end_registration import end_registration
from billing_tax.operations.ports import Begin, Read
from billing_tax.wire.registrations import registration_from_pb, registration_to_pb
from billing_tax.wire.values import REGISTRATION, SELLER, id_from_pb, instant_from_pb


class RegistrationsServicer(pb_grpc.RegistrationsServiceServicer):
    """Where sellers are registered."""

    def __init__(self, begin: Begin, read: Read, rates: RateTable) -> None:
        self.begin = begin
        self.read = read
        self.rates = rates

    async def CreateRegistration(
        self, request: pb.CreateRegistrationRequest, context: Any
    ) -> pb.CreateRegistrationResponse:
        async with self.begin() as uow:
            wanted = registration_from_pb(request)
            made = await create_registration(uow, wanted, self.rates)
            return await uow.answer(pb.CreateRegistrationResponse(registration=registration_to_pb(made)))

    async def GetRegistration(self, request: pb.GetRegistrationRequest, context: Any) -> pb.GetRegistrationResponse:
        async with self.read() as reads:
            found = await reads.get_registration(id_from_pb(REGISTRATION, request.registration_id))
        message = apply_read_mask(registration_to_pb(found), request.read_mask)
        return pb.GetRegistrationResponse(registration=message)

    async def ListRegistrations(
        self, request: pb.ListRegistrationsRequest, context: Any
    ) -> pb.ListRegistrationsResponse:
        size = page_size(request.page_size)
        after = uuid_of(request.page_token)
        seller_id = id_from_pb(SELLER, request.seller_id) if request.seller_id else None
        async with self.read() as reads:
            rows = await reads.list_registrations(seller_id=seller_id, after=after, limit=size + 1)
        found, token = page_of(
            rows, size, lambda row: str(row.id), lambda row: apply_read_mask(registration_to_pb(row), request.read_mask)
        )
        return pb.ListRegistrationsResponse(registrations=found, next_page_token=token)

    async def EndRegistration(self, request: pb.EndRegistrationRequest, context: Any) -> pb.EndRegistrationResponse:
        async with self.begin() as uow:
            registration_id = id_from_pb(REGISTRATION, request.registration_id)
            end = instant_from_pb(request.end_time, "end_time")
            ended = await end_registration(uow, registration_id, end=end, etag=request.etag)
            return await uow.answer(pb.EndRegistrationResponse(registration=registration_to_pb(ended)))
