"""One transaction as the operations see it: state, events and answer in it commit together."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from typing import Any, TypeVar

from billing_runtime.call import current_call
from billing_runtime.database import Database
from billing_runtime.transaction import Transaction

from billing_subscriptions.domain.events import DomainEvent
from billing_subscriptions.operations.ports import Read
from billing_subscriptions.storage.add_ons import PostgresAddOns
from billing_subscriptions.storage.beside import Beside
from billing_subscriptions.storage.catalogue import PostgresCatalogue
from billing_subscriptions.storage.coupons import PostgresCoupons
from billing_subscriptions.storage.customers import PostgresCustomers
from billing_subscriptions.storage.dues import PostgresDues
from billing_subscriptions.storage.migrations import PostgresMigrations
from billing_subscriptions.storage.named import features_of, products_of
from billing_subscriptions.storage.names import PostgresNames
from billing_subscriptions.storage.payment_methods import PostgresPaymentMethods
from billing_subscriptions.storage.plans import PostgresPlans
from billing_subscriptions.storage.prices import PostgresPrices
from billing_subscriptions.storage.queries import PostgresReads
from billing_subscriptions.storage.subscriptions import PostgresSubscriptions
from billing_subscriptions.storage.twins import PostgresTwins
from billing_subscriptions.wire.events import event_of
from billing_subscriptions.wire.subscriptions import FactsBook

Answer = TypeVar("Answer")


class PostgresUnitOfWork:
    """Wraps a transaction that somebody else opened and will commit."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._facts = FactsBook()
        beside = Beside()
        self.customers = PostgresCustomers(tx, beside)
        self.plans = PostgresPlans(tx)
        self.subscriptions = PostgresSubscriptions(tx, beside)
        self.dues = PostgresDues(tx)
        self.twins = PostgresTwins(tx, self.dues)
        self.payment_methods = PostgresPaymentMethods(tx)
        self.catalogue = PostgresCatalogue(tx, beside)
        self.migrations = PostgresMigrations(tx)
        self.names = PostgresNames(tx)
        self.products = products_of(tx)
        self.features = features_of(tx)
        self.add_ons = PostgresAddOns(tx)
        self.coupons = PostgresCoupons(tx)
        self.prices = PostgresPrices(tx)

    async def now(self) -> datetime:
        return await self._tx.now()

    async def publish(self, *events: DomainEvent) -> None:
        await self._tx.publish(*(event_of(event, self._facts) for event in events))

    async def answer(self, response: Answer) -> Answer:
        message: Any = response  # operations know no protobuf; what comes here is a message
        await self._tx.answer(message)
        return response


def units_of_work(database: Database) -> Callable[[], AbstractAsyncContextManager[PostgresUnitOfWork]]:
    """Transactions of the call being served."""

    @asynccontextmanager
    async def begin() -> AsyncIterator[PostgresUnitOfWork]:
        async with database.begin(current_call()) as tx:
            yield PostgresUnitOfWork(tx)

    return begin


def reads_of(database: Database) -> Read:
    """Read-only transactions of the call being served."""

    @asynccontextmanager
    async def read() -> AsyncIterator[PostgresReads]:
        async with database.read(current_call()) as tx:
            yield PostgresReads(tx)

    return read
