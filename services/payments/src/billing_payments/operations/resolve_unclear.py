"""One bounded batch of attempts without an outcome, of one tenant: the gateway is asked."""

from billing_payments.domain import collection
from billing_payments.operations.collect import BATCH_MAX, Collector, question_of, resolve_all


async def resolve_unclear(collector: Collector, *, limit: int = BATCH_MAX) -> int:
    """How many attempts were asked about. What stays unclear is asked again after 1, 2, 4 ... 60 seconds."""
    async with collector.begin() as uow:
        found = await uow.claim_unclear(min(limit, BATCH_MAX))
        hold_s = collector.policy.hold_s(len(found))
        asked = [collection.ask(payment, hold_s=hold_s) for payment in found]
        await uow.save_payments(asked)
        methods = await uow.methods({payment.last.payment_method_id for payment in asked})
    await resolve_all(collector, [question_of(payment, methods) for payment in asked])
    return len(asked)
