"""Who stands above whom, and who pays: walks along `parent_customer_id`, each in one statement and of bounded depth."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from billing_runtime.transaction import Transaction

from billing_subscriptions.domain.customer import Customer
from billing_subscriptions.storage.mapping import customer_from_row
from billing_subscriptions.storage.statements import row, rows

_STEPS_MAX = 20  # more than a tree may be deep; a walk ends even in data that somebody broke by hand

# Whoever changes the tree of a tenant waits for the one before: two changes that are right alone could make a cycle.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('customer_tree ' || %s, 0))"
_LINE = f"""
WITH RECURSIVE line AS (
    SELECT c.customer_id, c.parent_customer_id, 0 AS place FROM customer AS c WHERE c.customer_id = %s
    UNION ALL
    SELECT c.customer_id, c.parent_customer_id, line.place + 1
    FROM line JOIN customer AS c ON c.customer_id = line.parent_customer_id WHERE line.place < {_STEPS_MAX}
)
SELECT c.* FROM line JOIN customer AS c USING (customer_id) ORDER BY line.place
"""
_BELOW = f"""
WITH RECURSIVE below AS (
    SELECT c.customer_id, 1 AS level FROM customer AS c WHERE c.parent_customer_id = %s
    UNION ALL
    SELECT c.customer_id, below.level + 1
    FROM below JOIN customer AS c ON c.parent_customer_id = below.customer_id WHERE below.level < {_STEPS_MAX}
)
SELECT coalesce(max(level), 0) AS levels FROM below
"""
_PAYS_FOR = "SELECT count(*) AS children FROM customer WHERE parent_customer_id = %s AND billed_to_parent"
_PAYERS = f"""
WITH RECURSIVE payer AS (
    SELECT c.customer_id AS child_id, c.parent_customer_id AS payer_id, 1 AS step
    FROM customer AS c WHERE c.customer_id = ANY(%s) AND c.billed_to_parent
    UNION ALL
    SELECT payer.child_id, c.parent_customer_id, payer.step + 1
    FROM payer JOIN customer AS c ON c.customer_id = payer.payer_id
    WHERE c.billed_to_parent AND payer.step < {_STEPS_MAX}
)
SELECT DISTINCT ON (payer.child_id) payer.child_id, c.*
FROM payer JOIN customer AS c ON c.customer_id = payer.payer_id ORDER BY payer.child_id, payer.step DESC
"""


async def lock_tree(tx: Transaction) -> None:
    """Until the end of the transaction."""
    await tx.raw.execute(_LOCK, (str(tx.tenant_id),))


async def line_of(tx: Transaction, customer_id: UUID) -> Sequence[Customer]:
    """The customer and those above it, nearest first."""
    return [customer_from_row(each) for each in await rows(tx, _LINE, customer_id)]


async def levels_below(tx: Transaction, customer_id: UUID) -> int:
    found = await row(tx, _BELOW, customer_id)
    return int(found["levels"]) if found else 0


async def pays_for(tx: Transaction, customer_id: UUID) -> int:
    found = await row(tx, _PAYS_FOR, customer_id)
    return int(found["children"]) if found else 0


async def payers_of(tx: Transaction, customers: Mapping[UUID, Customer]) -> Mapping[UUID, Customer]:
    """Who pays for each: the topmost one to whom it is billed, else itself. Asks only where a parent pays.

    A caller of role customer does not see its parent; for it the customer stands in its place.
    """
    billed = [each.id for each in customers.values() if each.terms.billed_to_parent]
    if not billed:
        return customers
    found = await rows(tx, _PAYERS, billed)
    return {**customers, **{each["child_id"]: customer_from_row(each) for each in found}}
