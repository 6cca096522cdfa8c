"""Coupons and their redemptions behind the Coupons port."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from billing_kernel.decimals import format_decimal, parse_decimal
from billing_kernel.ids import uuid7
from billing_kernel.money import Money
from billing_runtime.transaction import Transaction
from sqlalchemy import insert, select, update

from billing_subscriptions.domain.catalog_errors import CouponExhausted, CouponNotFound
from billing_subscriptions.domain.coupon import Coupon, CouponTerms, Duration, Redemption, check_open
from billing_subscriptions.storage.catalog_tables import coupon as coupon_table
from billing_subscriptions.storage.catalog_tables import coupon_redemption as redemption_table
from billing_subscriptions.storage.statements import row, rows, write

Row = Mapping[Any, Any]

_GET = "SELECT * FROM coupon WHERE coupon_id = %s"
_BY_CUSTOMER = "SELECT count(*) AS times FROM coupon_redemption WHERE coupon_id = %s AND customer_id = %s"
_COUNT = """
UPDATE coupon SET redeemed = redeemed + 1
WHERE coupon_id = %s AND archived_at IS NULL AND (max_redemptions IS NULL OR redeemed < max_redemptions)
RETURNING redeemed
"""


class PostgresCoupons:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def add(self, coupon: Coupon) -> None:
        await write(self._tx, insert(coupon_table).values(_to_row(coupon)))

    async def save(self, coupon: Coupon) -> None:
        """Never the counter: that is `redeem`'s alone."""
        values = {name: value for name, value in _to_row(coupon).items() if name != "redeemed"}
        await write(self._tx, update(coupon_table).where(coupon_table.c.coupon_id == coupon.id).values(values))

    async def lock(self, coupon_id: UUID) -> Coupon:
        return _one(await row(self._tx, f"{_GET} FOR UPDATE", coupon_id))

    async def get(self, coupon_id: UUID) -> Coupon:
        return _one(await row(self._tx, _GET, coupon_id))

    async def by_codes(self, codes: Iterable[str], *, lock: bool = False) -> Mapping[str, Coupon]:
        query = f"SELECT * FROM coupon WHERE code = ANY(%s) ORDER BY code {'FOR UPDATE' if lock else ''}"
        found = await rows(self._tx, query, list(codes))
        return {each["code"]: _from_row(each) for each in found}

    async def by_code(self, code: str) -> Coupon:
        found = (await self.by_codes([code])).get(code)
        if found is None or found.archived_at is not None:
            raise CouponNotFound("there is no such coupon", facts={"coupon": code})
        return found

    async def page(self, *, code: str, archived: bool, after: UUID | None, limit: int) -> Sequence[Coupon]:
        table = coupon_table.c
        query = select(coupon_table).order_by(table.coupon_id).limit(limit)
        if code:
            query = query.where(table.code == code)
        if not archived:
            query = query.where(table.archived_at.is_(None))
        if after is not None:
            query = query.where(table.coupon_id > after)
        found = await self._tx.conn.execute(query)
        return [_from_row(dict(each)) for each in found.mappings()]

    async def redeem(self, coupon_id: UUID, customer_id: UUID, subscription_id: UUID, at: datetime) -> Redemption:
        """The lock on the coupon's row makes those who redeem it at the same moment wait for each other."""
        coupon = await self.lock(coupon_id)
        times = await row(self._tx, _BY_CUSTOMER, coupon_id, customer_id)
        check_open(coupon, by_customer=times["times"] if times else 0, at=at)
        if await row(self._tx, _COUNT, coupon_id) is None:
            raise CouponExhausted("the coupon was redeemed as often as it can be", facts={"coupon": coupon.code})
        made = Redemption(uuid7(), coupon_id, customer_id, subscription_id, at)
        values = {
            "redemption_id": made.id,
            "coupon_id": coupon_id,
            "customer_id": customer_id,
            "subscription_id": subscription_id,
            "redeemed_at": at,
        }
        await write(self._tx, insert(redemption_table).values(values))
        return made

    async def redemptions(
        self, coupon_id: UUID, *, customer_id: UUID | None, after: UUID | None, limit: int
    ) -> Sequence[Redemption]:
        await self.get(coupon_id)
        table = redemption_table.c
        query = select(redemption_table).where(table.coupon_id == coupon_id).order_by(table.redemption_id).limit(limit)
        if customer_id is not None:
            query = query.where(table.customer_id == customer_id)
        if after is not None:
            query = query.where(table.redemption_id > after)
        found = await self._tx.conn.execute(query)
        return [
            Redemption(each.redemption_id, each.coupon_id, each.customer_id, each.subscription_id, each.redeemed_at)
            for each in found
        ]


def _one(found: Row | None) -> Coupon:
    if found is None:
        raise CouponNotFound("there is no such coupon")
    return _from_row(found)


def _to_row(coupon: Coupon) -> dict[str, Any]:
    return {
        "coupon_id": coupon.id,
        "code": coupon.code,
        "terms": _terms_to_json(coupon.terms),
        "max_redemptions": coupon.terms.max_redemptions,
        "redeemed": coupon.redeemed,
        "metadata": dict(coupon.metadata),
        "archived_at": coupon.archived_at,
        "version": coupon.version,
        "created_at": coupon.created_at,
        "updated_at": coupon.updated_at,
    }


def _from_row(found: Row) -> Coupon:
    return Coupon(
        id=found["coupon_id"],
        code=found["code"],
        terms=_terms_from_json(found["terms"]),
        redeemed=found["redeemed"],
        metadata=found["metadata"],
        version=found["version"],
        created_at=found["created_at"],
        updated_at=found["updated_at"],
        archived_at=found["archived_at"],
    )


def _terms_to_json(terms: CouponTerms) -> dict[str, Any]:
    return {
        "name": terms.name,
        "percent": None if terms.percent is None else format_decimal(terms.percent),
        "amounts": [[each.currency, each.minor] for each in terms.amounts],
        "duration": terms.duration.value,
        "periods": terms.periods,
        "redeem_by": terms.redeem_by.isoformat() if terms.redeem_by else None,
        "max_redemptions": terms.max_redemptions,
        "max_per_customer": terms.max_per_customer,
        "plan_codes": list(terms.plan_codes),
        "item_codes": list(terms.item_codes),
    }


def _terms_from_json(found: Mapping[str, Any]) -> CouponTerms:
    percent, redeem_by = found["percent"], found["redeem_by"]
    return CouponTerms(
        name=found["name"],
        percent=None if percent is None else parse_decimal(percent),
        amounts=tuple(Money(currency, minor) for currency, minor in found["amounts"]),
        duration=Duration(found["duration"]),
        periods=found["periods"],
        redeem_by=datetime.fromisoformat(redeem_by) if redeem_by else None,
        max_redemptions=found["max_redemptions"],
        max_per_customer=found["max_per_customer"],
        plan_codes=tuple(found["plan_codes"]),
        item_codes=tuple(found["item_codes"]),
    )
