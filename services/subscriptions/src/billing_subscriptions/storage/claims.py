"""The claim of what is due. What is alike is grouped by bytes that PostgreSQL makes, and read once for each group."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from billing_runtime.copy_format import Uuids
from billing_runtime.transaction import Transaction
from psycopg import AsyncCursor
from psycopg.rows import tuple_row

from billing_subscriptions.domain.customer import Customer
from billing_subscriptions.domain.subscription import Subscription
from billing_subscriptions.domain.twins import Twins
from billing_subscriptions.operations.twin_ports import Claimed
from billing_subscriptions.storage.mapping import customer_from_row
from billing_subscriptions.storage.statements import rows
from billing_subscriptions.storage.subscription_rows import COLUMNS, subscription_from_row

TWINS_MIN = 8  # fewer are written faster one by one

# What most have not is left out: to read empty JSON costs more than to read nothing.
_EMPTY = {"scheduled": "[]", "coupons": "[]", "pending": "[]", "metadata": "{}"}
_READ = ", ".join(
    f"nullif({column.name}, '{_EMPTY[column.name]}') AS {column.name}" if column.name in _EMPTY else column.name
    for column in COLUMNS
)
# Everything in which twins are alike, as bytes; of the items' text the ids are cut out here.
_OWN = {"subscription_id", "customer_id", "external_id", "items", "created_at"}
_SHAPE = f"record_send(ROW({', '.join(column.name for column in COLUMNS if column.name not in _OWN)}))"
_TERMS = "record_send(ROW(party_version, country, region, tax_ids, collection, net_terms_days, billed_to_parent))"
_NAME = "convert_to(coalesce(external_id, ''), 'UTF8')"
_CLAIM = f"""
SELECT uuid_send(subscription_id), uuid_send(customer_id), {_NAME}, items::text, {_SHAPE}
FROM subscription WHERE next_due_at <= %s
ORDER BY next_due_at, subscription_id LIMIT %s FOR UPDATE SKIP LOCKED
"""
# The policies of the tenant make the planner expect few rows, for which it would read and sort all that are due; in the
# order of the index it stops at the limit.
_SORT = "SELECT set_config('enable_sort', %s, true)"
_CUSTOMERS = f"""
SELECT uuid_send(customer_id), uuid_send(party_id), {_NAME}, {_TERMS} FROM customer WHERE customer_id = ANY(%b)
"""
_FIRST_CUSTOMERS = f"SELECT *, {_TERMS} AS terms FROM customer WHERE customer_id = ANY(%b)"
_SUBSCRIPTIONS = f"SELECT {_READ} FROM subscription WHERE subscription_id = ANY(%b)"
_ITEM_ID = re.compile(r'"id": "([0-9a-f-]{36})"')

Kind = tuple[Any, ...]  # equal for twins; the bytes of the customers' terms come first
Member = tuple[bytes, ...]  # an entry of each column of `Twins`


async def claim(tx: Transaction, as_of: datetime, limit: int) -> Claimed:
    """Locks what is due at `as_of`, oldest first; passes over what another transaction holds."""
    await tx.send()
    async with tx.raw.pipeline():
        await tx.raw.execute(_SORT, ("off",))
        claimed = await _tuples(tx, _CLAIM, as_of, limit)
        await tx.raw.execute(_SORT, ("on",))
    found = await claimed.fetchall()
    if not found:
        return Claimed(())
    customers = await (await _tuples(tx, _CUSTOMERS, Uuids([each[1] for each in found]))).fetchall()
    groups = _grouped(found, {each[0]: each for each in customers})
    many = {kind: group for kind, group in groups.items() if len(group) >= TWINS_MIN}
    known = await _first_customers(tx, [group[0][1] for group in many.values()])
    chosen = [group for kind, group in many.items() if known[group[0][1]][1] == kind[0]]
    grouped = {each[0] for group in chosen for each in group}
    alone = [each[0] for each in found if each[0] not in grouped]
    read = await read_each(tx, [*alone, *(group[0][0] for group in chosen)])
    twins = [_twins(read[group[0][0]], known[group[0][1]][0], group) for group in chosen]
    return Claimed([read[each] for each in alone], twins)


def _grouped(claimed: Sequence[Kind], customers: Mapping[bytes, Kind]) -> dict[Kind, list[Member]]:
    groups: dict[Kind, list[Member]] = {}
    for subscription_id, customer_id, external_id, items, shape in claimed:
        _, party_id, customer_external_id, terms = customers[customer_id]
        like = _ITEM_ID.split(items)
        kind = (terms, shape, len(external_id), len(customer_external_id), *like[::2])
        member = (subscription_id, customer_id, party_id, external_id, customer_external_id, *like[1::2])
        groups.setdefault(kind, []).append(member)
    return groups


def _twins(first: Subscription, customer: Customer, group: Sequence[Member]) -> Twins:
    ids, customer_ids, party_ids, external_ids, customer_external_ids, *items = zip(*group, strict=True)
    item_ids = [[bytes.fromhex(each.replace("-", "")) for each in column] for column in items]
    return Twins(first, customer, ids, customer_ids, party_ids, external_ids, customer_external_ids, item_ids)


async def _first_customers(tx: Transaction, ids: Sequence[bytes]) -> Mapping[bytes, tuple[Customer, bytes]]:
    """Customers with the bytes of their terms, by id: nobody has locked them, so these may be others by now."""
    found = await rows(tx, _FIRST_CUSTOMERS, Uuids(ids)) if ids else []
    return {each["customer_id"].bytes: (customer_from_row(each), each["terms"]) for each in found}


async def read_each(tx: Transaction, ids: Sequence[bytes]) -> Mapping[bytes, Subscription]:
    """Subscriptions by id."""
    found = await rows(tx, _SUBSCRIPTIONS, Uuids(ids)) if ids else []
    return {each["subscription_id"].bytes: subscription_from_row(each) for each in found}


async def _tuples(tx: Transaction, query: str, *arguments: Any) -> AsyncCursor[Kind]:
    """Rows whose values are bytes as they come."""
    cursor = tx.raw.cursor(binary=True, row_factory=tuple_row)
    return await cursor.execute(query, arguments)
