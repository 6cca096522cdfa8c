"""Writes steps of subscriptions: rows, history, one event for each new version, and what falls due."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from billing_subscriptions.domain.customer import Customer
from billing_subscriptions.domain.events import BillingDue, SubscriptionEvent, of_step
from billing_subscriptions.domain.step import Step
from billing_subscriptions.operations.ports import UnitOfWork
from billing_subscriptions.operations.shelf import Shelf


async def write_steps(
    uow: UnitOfWork, steps: Sequence[Step], shelf: Shelf, *, run_id: UUID | None = None, reason: str = ""
) -> int:
    """How many dues were opened. The subscriptions are locked, or new. Raises ExternalIdTaken."""
    if not steps:
        return 0
    customers = await uow.customers.get_many({each.after.customer_id for each in steps})
    await uow.subscriptions.write(steps, reason)
    await uow.publish(*(told(each, shelf, customers) for each in steps))
    billed = [each for each in steps if each.due is not None]
    if billed:
        paying = {each.after.customer_id for each in billed}
        payers = await uow.customers.payers({each: customers[each] for each in paying})
        await uow.dues.add([BillingDue(each, payers[each.after.customer_id], run_id) for each in billed])
    return len(billed)


def told(step: Step, shelf: Shelf, customers: Mapping[UUID, Customer]) -> SubscriptionEvent:
    """What a step tells."""
    after = step.after
    version = shelf.offers(after.currency).versions[after.plan_version_id]
    like = step.twin.after if step.twin else None
    return of_step(step)(after, version, customers[after.customer_id].terms.external_id, step.at, like)
