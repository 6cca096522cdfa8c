"""Add-ons and their versions behind the AddOns port."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from billing_kernel.decimals import format_decimal, parse_decimal
from billing_runtime.transaction import Transaction
from psycopg.rows import dict_row
from sqlalchemy import insert, update

from billing_subscriptions.domain.add_on import AddOn, Conditions, Recurrence
from billing_subscriptions.domain.catalog_errors import AddOnNotFound
from billing_subscriptions.storage.catalog_tables import add_on as add_on_table
from billing_subscriptions.storage.catalog_tables import add_on_version as version_table
from billing_subscriptions.storage.plan_rows import plan_item_from_json, plan_item_to_json
from billing_subscriptions.storage.prices import enter_prices
from billing_subscriptions.storage.statements import rows, write
from billing_subscriptions.storage.terms_json import entitlement_from_json, entitlement_to_json

Row = Mapping[Any, Any]

_SELECT = """
SELECT a.*, v.number, v.currency, v.item, v.terms FROM add_on AS a
JOIN add_on_version AS v ON v.add_on_version_id = a.add_on_version_id
"""
_BY_VERSION = """
SELECT a.*, v.add_on_version_id AS of_version, v.number, v.currency, v.item, v.terms FROM add_on_version AS v
JOIN add_on AS a ON a.add_on_id = v.add_on_id WHERE v.add_on_version_id = ANY(%s)
"""
_PAGE = f"""{_SELECT}
WHERE (%(code)s = '' OR a.code = %(code)s) AND (%(archived)s OR a.archived_at IS NULL)
AND (%(after)s::uuid IS NULL OR a.add_on_id > %(after)s) ORDER BY a.add_on_id LIMIT %(limit)s
"""


class PostgresAddOns:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def add(self, add_on: AddOn) -> None:
        await write(self._tx, insert(add_on_table).values(_to_row(add_on)))
        await self._add_version(add_on)

    async def save(self, add_on: AddOn, *, new_version: bool) -> None:
        if new_version:
            await self._add_version(add_on)
        where = add_on_table.c.add_on_id == add_on.id
        await write(self._tx, update(add_on_table).where(where).values(_to_row(add_on)))

    async def lock(self, add_on_id: UUID) -> AddOn:
        return self._one(await rows(self._tx, f"{_SELECT} WHERE a.add_on_id = %s FOR UPDATE OF a", add_on_id))

    async def get(self, add_on_id: UUID) -> AddOn:
        return self._one(await rows(self._tx, f"{_SELECT} WHERE a.add_on_id = %s", add_on_id))

    async def by_codes(self, codes: Iterable[str], *, lock: bool = False) -> Mapping[str, AddOn]:
        query = f"{_SELECT} WHERE a.code = ANY(%s) ORDER BY a.code {'FOR UPDATE OF a' if lock else ''}"
        found = await rows(self._tx, query, list(codes))
        return {each["code"]: _from_row(each) for each in found}

    async def versions(self, version_ids: Iterable[UUID]) -> Mapping[UUID, AddOn]:
        found = await rows(self._tx, _BY_VERSION, list(version_ids))
        return {each["of_version"]: _from_row({**each, "add_on_version_id": each["of_version"]}) for each in found}

    async def page(self, *, code: str, archived: bool, after: UUID | None, limit: int) -> Sequence[AddOn]:
        wanted = {"code": code, "archived": archived, "after": after, "limit": limit}
        async with self._tx.raw.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(_PAGE, wanted)
            return [_from_row(each) for each in await cursor.fetchall()]

    async def _add_version(self, add_on: AddOn) -> None:
        values = {
            "add_on_version_id": add_on.version_id,
            "add_on_id": add_on.id,
            "number": add_on.number,
            "currency": add_on.currency,
            "item": plan_item_to_json(add_on.item),
            "terms": _conditions_to_json(add_on.conditions),
            "created_at": add_on.updated_at,
        }
        await write(self._tx, insert(version_table).values(values))
        await enter_prices(self._tx, [add_on.item], add_on_version_id=add_on.version_id)

    def _one(self, found: Sequence[Row]) -> AddOn:
        if not found:
            raise AddOnNotFound("there is no such add-on")
        return _from_row(found[0])


def _to_row(add_on: AddOn) -> dict[str, Any]:
    return {
        "add_on_id": add_on.id,
        "code": add_on.code,
        "add_on_version_id": add_on.version_id,
        "metadata": dict(add_on.metadata),
        "archived_at": add_on.archived_at,
        "version": add_on.version,
        "created_at": add_on.created_at,
        "updated_at": add_on.updated_at,
    }


def _from_row(row: Row) -> AddOn:
    return AddOn(
        id=row["add_on_id"],
        code=row["code"],
        version_id=row["add_on_version_id"],
        number=row["number"],
        currency=row["currency"],
        item=plan_item_from_json(row["item"], row["currency"]),
        conditions=_conditions_from_json(row["terms"]),
        metadata=row["metadata"],
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        archived_at=row["archived_at"],
    )


def _conditions_to_json(conditions: Conditions) -> dict[str, Any]:
    most = conditions.max_quantity
    return {
        "recurrence": conditions.recurrence.value,
        "min_quantity": format_decimal(conditions.min_quantity),
        "max_quantity": None if most is None else format_decimal(most),
        "requires": list(conditions.requires),
        "excludes": list(conditions.excludes),
        "plan_codes": list(conditions.plan_codes),
        "entitlements": [entitlement_to_json(each) for each in conditions.entitlements],
    }


def _conditions_from_json(found: Mapping[str, Any]) -> Conditions:
    most = found["max_quantity"]
    return Conditions(
        recurrence=Recurrence(found["recurrence"]),
        min_quantity=parse_decimal(found["min_quantity"]),
        max_quantity=None if most is None else parse_decimal(most),
        requires=tuple(found["requires"]),
        excludes=tuple(found["excludes"]),
        plan_codes=tuple(found["plan_codes"]),
        entitlements=tuple(map(entitlement_from_json, found["entitlements"])),
    )
