"""Who has an external id, behind the Names port of imports."""

from billing_runtime.transaction import Transaction

from billing_subscriptions.domain.customer import Customer
from billing_subscriptions.domain.subscription import Subscription
from billing_subscriptions.storage.mapping import customer_from_row
from billing_subscriptions.storage.statements import row
from billing_subscriptions.storage.subscription_rows import subscription_from_row

_CUSTOMER = "SELECT * FROM customer WHERE external_id = %s FOR UPDATE"
_SUBSCRIPTION = "SELECT * FROM subscription WHERE external_id = %s"


class PostgresNames:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def customer(self, external_id: str) -> Customer | None:
        found = await row(self._tx, _CUSTOMER, external_id)
        return customer_from_row(found) if found else None

    async def subscription(self, external_id: str) -> Subscription | None:
        found = await row(self._tx, _SUBSCRIPTION, external_id)
        return subscription_from_row(found) if found else None
