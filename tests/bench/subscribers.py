"""Many subscriptions at once, made by the service's own operations in few transactions."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from billing_kernel.ids import uuid7
from billing_kernel.period import Interval
from billing_runtime.database import Database
from billing_subscriptions.domain.customer import Address, CollectionMethod, Party, Terms
from billing_subscriptions.domain.plan import ItemKind, NewItem, NewVersion, Timing
from billing_subscriptions.domain.start import Order
from billing_subscriptions.operations.create_customer import create_customer
from billing_subscriptions.operations.create_plan import create_plan
from billing_subscriptions.operations.create_plan_version import create_plan_version
from billing_subscriptions.operations.create_subscription import create_subscription
from billing_subscriptions.operations.publish_plan_version import publish_plan_version
from billing_subscriptions.storage.unit_of_work import PostgresUnitOfWork
from billing_testkit.tenants import admin_call

START = datetime(2025, 1, 1, tzinfo=UTC)
CHUNK = 500
ADA = Party("Ada Lovelace", Address("DE", "", "Unter den Linden 1", "", "Berlin", "10117"), "", "ada@example.com")


def fee(amount: str) -> NewItem:
    """A monthly fee in advance."""
    return NewItem("base", "Base fee", ItemKind.FLAT, Timing.ADVANCE, {"model": "flat", "amount": amount})


def seats(amount: str) -> NewItem:
    """Seats in arrears."""
    return NewItem("seats", "Seats", ItemKind.SEAT, Timing.ARREARS, {"model": "per_unit", "unit_amount": amount})


async def plan_of(database: Database, tenant: UUID, code: str, items: Sequence[NewItem], at: datetime = START) -> UUID:
    """A published monthly version in EUR; its id."""
    async with database.begin(admin_call(tenant, at=at)) as tx:
        uow = PostgresUnitOfWork(tx)
        plan = await create_plan(uow, code, code.title(), {})
        version = await create_plan_version(uow, plan.id, NewVersion("EUR", Interval("month"), items))
        await publish_plan_version(uow, version.id, frozenset())
    return version.id


async def subscribe(
    database: Database, tenant: UUID, count: int, version_id: UUID | None = None, at: datetime = START
) -> list[UUID]:
    """As many customers with a subscription each; the ids of the subscriptions."""
    version_id = version_id or await plan_of(database, tenant, f"plan-{uuid7()}", [fee("49"), seats("9")], at)
    made: list[UUID] = []
    for first in range(0, count, CHUNK):
        async with database.begin(admin_call(tenant, at=at)) as tx:
            uow = PostgresUnitOfWork(tx)
            made += [await _one(uow, version_id) for _ in range(min(CHUNK, count - first))]
    return made


async def _one(uow: PostgresUnitOfWork, version_id: UUID) -> UUID:
    terms = Terms(currency="EUR", collection=CollectionMethod.SEND, net_terms_days=14)
    customer = await create_customer(uow, terms, ADA, None)
    return (await create_subscription(uow, customer.id, version_id, Order())).subscription.id
