"""One transaction as the operations see it: state and events in it commit together."""

from datetime import datetime

from billing_runtime.transaction import Transaction

from billing_subscriptions.domain.events import DomainEvent
from billing_subscriptions.storage.customers import PostgresCustomers
from billing_subscriptions.storage.dues import PostgresDues
from billing_subscriptions.storage.plans import PostgresPlans
from billing_subscriptions.storage.subscriptions import PostgresSubscriptions
from billing_subscriptions.wire.events import event_of
from billing_subscriptions.wire.subscriptions import FactsBook


class PostgresUnitOfWork:
    """Wraps a transaction that somebody else opened and will commit."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._facts = FactsBook()
        self.customers = PostgresCustomers(tx)
        self.plans = PostgresPlans(tx)
        self.subscriptions = PostgresSubscriptions(tx)
        self.dues = PostgresDues(tx)

    async def now(self) -> datetime:
        return await self._tx.now()

    async def publish(self, *events: DomainEvent) -> None:
        await self._tx.publish(*(event_of(event, self._facts) for event in events))
