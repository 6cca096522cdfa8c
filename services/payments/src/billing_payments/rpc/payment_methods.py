"""PaymentMethodsService: convert, call one operation, convert."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from billing.payments.v1 import payment_methods_service_pb2 as pb
from billing.payments.v1 import payment_methods_service_pb2_grpc as pb_grpc
from billing_runtime.access import PermissionDenied
from billing_runtime.call import current_call
from billing_runtime.masks import apply_read_mask
from billing_runtime.paging import page_of, page_size, uuid_of

from billing_payments.operations.create_payment_method import attach_token, create_payment_method
from billing_payments.operations.detach_payment_method import detach_payment_method
from billing_payments.operations.ports import Begin, Gateway, Read
from billing_payments.operations.update_payment_method import update_payment_method
from billing_payments.wire.payment_methods import change_from_pb, draft_from_pb, method_to_pb
from billing_payments.wire.values import CUSTOMER, METHOD, id_from_pb, optional_id_from_pb


class PaymentMethodsServicer(pb_grpc.PaymentMethodsServiceServicer):
    """Tokens of gateways."""

    def __init__(self, begin: Begin, read: Read, gateways: Mapping[str, Gateway]) -> None:
        self.begin = begin
        self.read = read
        self.gateways = gateways

    async def CreatePaymentMethod(
        self, request: pb.CreatePaymentMethodRequest, context: Any
    ) -> pb.CreatePaymentMethodResponse:
        draft = draft_from_pb(request)
        _refuse_other_customer(draft.customer_id)
        attached = await attach_token(self.gateways, draft)
        async with self.begin() as uow:
            made = await create_payment_method(uow, draft, attached)
            return await uow.answer(pb.CreatePaymentMethodResponse(payment_method=method_to_pb(made)))

    async def GetPaymentMethod(self, request: pb.GetPaymentMethodRequest, context: Any) -> pb.GetPaymentMethodResponse:
        async with self.read() as reads:
            found = await reads.get_method(id_from_pb(METHOD, request.payment_method_id))
        message = apply_read_mask(method_to_pb(found), request.read_mask)
        return pb.GetPaymentMethodResponse(payment_method=message)

    async def ListPaymentMethods(
        self, request: pb.ListPaymentMethodsRequest, context: Any
    ) -> pb.ListPaymentMethodsResponse:
        size = page_size(request.page_size)
        after = uuid_of(request.page_token)
        customer_id = optional_id_from_pb(CUSTOMER, request.customer_id)
        async with self.read() as reads:
            rows = await reads.list_methods(customer_id=customer_id, after=after, limit=size + 1)
        found, token = page_of(
            rows, size, lambda row: str(row.id), lambda row: apply_read_mask(method_to_pb(row), request.read_mask)
        )
        return pb.ListPaymentMethodsResponse(payment_methods=found, next_page_token=token)

    async def UpdatePaymentMethod(
        self, request: pb.UpdatePaymentMethodRequest, context: Any
    ) -> pb.UpdatePaymentMethodResponse:
        change = change_from_pb(request)
        method_id = id_from_pb(METHOD, request.payment_method_id)
        async with self.begin() as uow:
            changed = await update_payment_method(uow, method_id, change, request.etag)
            return await uow.answer(pb.UpdatePaymentMethodResponse(payment_method=method_to_pb(changed)))

    async def DetachPaymentMethod(
        self, request: pb.DetachPaymentMethodRequest, context: Any
    ) -> pb.DetachPaymentMethodResponse:
        method_id = id_from_pb(METHOD, request.payment_method_id)
        async with self.begin() as uow:
            detached = await detach_payment_method(uow, method_id, request.etag)
            return await uow.answer(pb.DetachPaymentMethodResponse(payment_method=method_to_pb(detached)))


def _refuse_other_customer(customer_id: UUID) -> None:
    """A caller of role customer acts for itself. Raises PermissionDenied."""
    own = current_call().customer_id
    if own is not None and own != customer_id:
        raise PermissionDenied("the caller may not do this for another customer")
