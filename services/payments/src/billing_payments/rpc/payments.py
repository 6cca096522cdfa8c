"""PaymentsService: convert, call one operation, convert."""

from typing import Any

from billing.payments.v1 import payments_service_pb2 as pb
from billing.payments.v1 import payments_service_pb2_grpc as pb_grpc
from billing_runtime.call import current_call
from billing_runtime.masks import apply_read_mask
from billing_runtime.paging import page_of, page_size, uuid_of

from billing_payments.operations.collect import Collector, charge_all
from billing_payments.operations.confirm_payment import confirm_payment
from billing_payments.operations.ports import Begin, Read
from billing_payments.operations.retry_payment import attempt_id_of, start_retry
from billing_payments.operations.run_payment_retries import run_payment_retries
from billing_payments.wire.payments import payment_to_pb, state_filter_from_pb
from billing_payments.wire.values import (
    CUSTOMER,
    INVOICE,
    PAYMENT,
    id_from_pb,
    instant_from_pb,
    optional_id_from_pb,
)


class PaymentsServicer(pb_grpc.PaymentsServiceServicer):
    """`begin` honours the idempotency key of a call; the collector's transactions do not."""

    def __init__(self, begin: Begin, read: Read, collector: Collector) -> None:
        self.begin = begin
        self.read = read
        self.collector = collector

    async def GetPayment(self, request: pb.GetPaymentRequest, context: Any) -> pb.GetPaymentResponse:
        async with self.read() as reads:
            found = await reads.get_payment(id_from_pb(PAYMENT, request.payment_id))
        return pb.GetPaymentResponse(payment=apply_read_mask(payment_to_pb(found), request.read_mask))

    async def ListPayments(self, request: pb.ListPaymentsRequest, context: Any) -> pb.ListPaymentsResponse:
        size = page_size(request.page_size)
        async with self.read() as reads:
            rows = await reads.list_payments(
                customer_id=optional_id_from_pb(CUSTOMER, request.customer_id),
                invoice_id=optional_id_from_pb(INVOICE, request.invoice_id),
                state=state_filter_from_pb(request.state),
                after=uuid_of(request.page_token),
                limit=size + 1,
            )
        found, token = page_of(
            rows, size, lambda row: str(row.id), lambda row: apply_read_mask(payment_to_pb(row), request.read_mask)
        )
        return pb.ListPaymentsResponse(payments=found, next_page_token=token)

    async def RetryPayment(self, request: pb.RetryPaymentRequest, context: Any) -> pb.RetryPaymentResponse:
        """The intent, the outcome and the answer are three transactions; the key names the attempt in all of them."""
        payment_id = id_from_pb(PAYMENT, request.payment_id)
        attempt_id = attempt_id_of(current_call())
        async with self.begin() as uow:
            payment, question = await start_retry(uow, self.collector, payment_id, attempt_id)
            if question is None:
                return await uow.answer(pb.RetryPaymentResponse(payment=payment_to_pb(payment)))
        await charge_all(self.collector, [question])
        async with self.begin() as uow:
            payment = await uow.lock_payment(payment_id)
            return await uow.answer(pb.RetryPaymentResponse(payment=payment_to_pb(payment)))

    async def ConfirmPayment(self, request: pb.ConfirmPaymentRequest, context: Any) -> pb.ConfirmPaymentResponse:
        payment = await confirm_payment(self.collector, id_from_pb(PAYMENT, request.payment_id))
        return pb.ConfirmPaymentResponse(payment=payment_to_pb(payment))

    async def RunPaymentRetries(
        self, request: pb.RunPaymentRetriesRequest, context: Any
    ) -> pb.RunPaymentRetriesResponse:
        as_of = instant_from_pb(request.as_of, "as_of")
        run = await run_payment_retries(self.collector, as_of=as_of, limit=request.limit)
        return pb.RunPaymentRetriesResponse(attempted=run.attempted, more=run.more, unresolved=run.unresolved)
