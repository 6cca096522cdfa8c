"""The next attempt is made now, because somebody asked for it."""

from uuid import UUID, uuid5

from billing_runtime.call import Call
from billing_runtime.idempotency import IdempotencyKeyInFlight

from billing_payments.domain import collection
from billing_payments.domain.attempt import AttemptState
from billing_payments.domain.errors import NoPaymentMethod
from billing_payments.domain.payment import Payment
from billing_payments.operations.collect import Collector, Question, question_of
from billing_payments.operations.ports import UnitOfWork


def attempt_id_of(call: Call) -> UUID:
    """The same for a repeated call: its idempotency key names the attempt, whatever became of the first call."""
    scope = call.idempotency
    assert scope is not None, "the contract demands a key"
    return uuid5(scope.tenant_id, f"{scope.principal}\x1f{scope.method}\x1f{scope.key}")


async def start_retry(
    uow: UnitOfWork, collector: Collector, payment_id: UUID, attempt_id: UUID
) -> tuple[Payment, Question | None]:
    """Stores the intent and returns what is to be charged; None when an earlier call with this key did so.

    Raises PaymentNotFound, NotRetryable, NoPaymentMethod, IdempotencyKeyInFlight, IdempotencyKeyReused.
    """
    payment = await uow.lock_payment(payment_id)
    earlier = payment.attempt(attempt_id)
    if earlier is not None:
        if earlier.state is AttemptState.PROCESSING:
            raise IdempotencyKeyInFlight("a call with this idempotency key is still running")
        return payment, None
    collection.check_retryable(payment)
    method = (await uow.default_methods([payment.customer_id])).get(payment.customer_id)
    if method is None:
        raise NoPaymentMethod("the customer has no default payment method")
    hold_s = collector.policy.hold_s(1)
    after = collection.start_attempt(payment, method, attempt_id=attempt_id, at=await uow.now(), hold_s=hold_s)
    await uow.start_attempts([after])
    return after, question_of(after, {method.id: method})
