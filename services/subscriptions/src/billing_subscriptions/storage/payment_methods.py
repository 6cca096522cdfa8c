"""The payment methods that customers have, as payments tells: only whether there is one matters here."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from billing_runtime.transaction import Transaction

from billing_subscriptions.storage.statements import rows

_ATTACH = """
INSERT INTO customer_payment_method (customer_id, payment_method_id)
SELECT DISTINCT * FROM unnest(%s::uuid[], %s::uuid[]) ON CONFLICT DO NOTHING
"""
_DETACH = """
DELETE FROM customer_payment_method AS known
USING unnest(%s::uuid[], %s::uuid[]) AS gone(customer_id, payment_method_id)
WHERE known.customer_id = gone.customer_id AND known.payment_method_id = gone.payment_method_id
"""
_HAVING = "SELECT DISTINCT customer_id FROM customer_payment_method WHERE customer_id = ANY(%s)"


class PostgresPaymentMethods:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def attach(self, methods: Sequence[tuple[UUID, UUID]]) -> None:
        await self._tx.raw.execute(_ATTACH, _columns(methods))

    async def detach(self, methods: Sequence[tuple[UUID, UUID]]) -> None:
        await self._tx.raw.execute(_DETACH, _columns(methods))

    async def having_one(self, customer_ids: Iterable[UUID]) -> frozenset[UUID]:
        wanted = list(customer_ids)
        found = await rows(self._tx, _HAVING, wanted) if wanted else []
        return frozenset(each["customer_id"] for each in found)


def _columns(methods: Sequence[tuple[UUID, UUID]]) -> tuple[list[UUID], list[UUID]]:
    return [customer_id for customer_id, _ in methods], [method_id for _, method_id in methods]
