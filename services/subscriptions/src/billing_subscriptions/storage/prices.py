"""Prices by their id behind the Prices port: entered with the version that they belong to."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from billing_runtime.transaction import Transaction

from billing_subscriptions.domain.catalog_errors import PriceNotFound
from billing_subscriptions.domain.plan_item import PlanItem
from billing_subscriptions.domain.price import SoldPrice
from billing_subscriptions.storage.plan_rows import plan_item_from_json
from billing_subscriptions.storage.statements import row

_ADD = """
INSERT INTO price (price_id, plan_version_id, add_on_version_id, item_code, currency) VALUES (%s, %s, %s, %s, %s)
"""
_FORGET = "DELETE FROM price WHERE plan_version_id = %s"
_FIND = """
SELECT p.*, v.items, v.currency AS own_currency, a.item, a.currency AS add_on_currency FROM price AS p
LEFT JOIN plan_version AS v ON v.plan_version_id = p.plan_version_id
LEFT JOIN add_on_version AS a ON a.add_on_version_id = p.add_on_version_id
WHERE p.price_id = %s
"""


class PostgresPrices:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def get(self, price_id: UUID) -> SoldPrice:
        found = await row(self._tx, _FIND, price_id)
        if found is None or (found["items"] is None and found["item"] is None):
            raise PriceNotFound("there is no such price")
        item = _item(found)
        return SoldPrice(
            price_id,
            found["currency"],
            item.in_currency(found["currency"]),
            found["plan_version_id"],
            found["add_on_version_id"],
        )


def _item(found: dict[str, Any]) -> PlanItem:
    if found["item"] is not None:
        return plan_item_from_json(found["item"], found["add_on_currency"])
    item = next(each for each in found["items"] if each["code"] == found["item_code"])
    return plan_item_from_json(item, found["own_currency"])


async def enter_prices(
    tx: Transaction,
    items: Iterable[PlanItem],
    *,
    plan_version_id: UUID | None = None,
    add_on_version_id: UUID | None = None,
) -> None:
    """Makes the prices of a new version findable by their id."""
    entries = [
        (each.id, plan_version_id, add_on_version_id, item.code, currency)
        for item in items
        for currency, each in item.prices.items()
    ]
    async with tx.raw.cursor() as cursor:
        await cursor.executemany(_ADD, entries)


async def forget_prices(tx: Transaction, plan_version_id: UUID) -> None:
    """Only drafts lose prices."""
    await tx.raw.execute(_FORGET, [plan_version_id])
