"""Takes over a customer and its subscription from another system, each once by its external id."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from billing_kernel.ids import uuid7

from billing_subscriptions.domain.customer import Customer, Party, Terms
from billing_subscriptions.domain.errors import CustomerMismatch, CustomerNotFound
from billing_subscriptions.domain.importing import Imported, order_of, refuse_charged_once, steps_of, with_periods_left
from billing_subscriptions.domain.start import Order
from billing_subscriptions.domain.subscription import Subscription
from billing_subscriptions.operations.create_customer import create_customer
from billing_subscriptions.operations.create_subscription import Sold, begin, open_start, redeemed
from billing_subscriptions.operations.ports import UnitOfWork
from billing_subscriptions.operations.write_steps import write_steps


@dataclass(frozen=True, slots=True)
class NewCustomer:
    """A customer as CreateCustomer takes it."""

    terms: Terms
    party: Party
    seller_id: UUID | None


@dataclass(frozen=True, slots=True)
class ImportOrder:
    """One item of an import. `customer` None: it is there already. `imported` None: the customer alone."""

    external_customer_id: str
    customer: NewCustomer | None
    sold: Sold
    imported: Imported | None


class Outcome(StrEnum):
    IMPORTED = "IMPORTED"
    EXISTING = "EXISTING"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True)
class ImportDone:
    """What became of an item that was not refused."""

    outcome: Outcome
    customer_id: UUID
    subscription_id: UUID | None = None
    next_due_at: datetime | None = None


class Names(Protocol):
    """Who has an external id."""

    async def customer(self, external_id: str) -> Customer | None:
        """Locked."""

    async def subscription(self, external_id: str) -> Subscription | None: ...


class ImportWork(UnitOfWork, Protocol):
    @property
    def names(self) -> Names: ...


BeginImport = Callable[[], AbstractAsyncContextManager[ImportWork]]


async def import_subscription(uow: ImportWork, order: ImportOrder) -> ImportDone:
    """Raises CustomerNotFound, CustomerMismatch, InvalidImport and what a new customer, a start and a coupon refuse."""
    customer = await uow.names.customer(order.external_customer_id)
    outcome = Outcome.EXISTING if customer is not None else Outcome.IMPORTED
    customer = customer or await _new_customer(uow, order.customer)
    if order.imported is None:
        return ImportDone(outcome, customer.id)
    there = await uow.names.subscription(order.imported.external_id)
    if there is None:
        return await _started(uow, customer, order.sold, order.imported)
    if there.customer_id != customer.id:
        raise CustomerMismatch("the external id names a subscription of another customer")
    return ImportDone(Outcome.EXISTING, customer.id, there.id, there.next_due_at)


async def _new_customer(uow: UnitOfWork, wanted: NewCustomer | None) -> Customer:
    if wanted is None:
        raise CustomerNotFound("no customer has this external id, and the item brings none")
    return await create_customer(uow, wanted.terms, wanted.party, wanted.seller_id)


async def _started(uow: UnitOfWork, customer: Customer, sold: Sold, imported: Imported) -> ImportDone:
    """Begun as every subscription is, then brought to the state that it had."""
    opening = await open_start(uow, customer, sold, Order(add_ons=imported.add_ons))
    now, subscription_id = opening.sight.now, uuid7()
    order = order_of(imported, opening.version, customer.terms.zone, now=now)
    refuse_charged_once(imported, opening.sight.offers.add_ons)
    coupons = await redeemed(uow, opening, customer, subscription_id, order, tuple(imported.coupons))
    order = replace(order, coupons=with_periods_left(imported, coupons))
    first = begin(replace(opening, has_payment_method=True), customer, order, subscription_id)
    steps = steps_of(imported, first, opening.sight.offers, opening.sight.prices, now=now)
    await write_steps(uow, steps, opening.shelf, reason="import")
    after = steps[-1].after
    return ImportDone(Outcome.IMPORTED, customer.id, after.id, after.next_due_at)
