"""What other services tell, in one group: few events, so that a month's dues never delay them."""

from collections.abc import Callable

from billing_runtime.consumer import Consumer
from billing_runtime.transaction import Transaction

from billing_invoicing.consumers import payments, subscriptions
from billing_invoicing.operations.ports import UnitOfWork

NAME = "invoicing"


def facts_consumer(unit: Callable[[Transaction], UnitOfWork]) -> Consumer:
    """Payments and subscriptions."""
    handlers = {**payments.payment_handlers(unit), **subscriptions.subscription_handlers(unit)}
    return Consumer(NAME, [payments.TOPIC, subscriptions.TOPIC], handlers)
