"""Ratings: the port RatingStore on PostgreSQL."""

import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any
from uuid import UUID

from billing_kernel.decimals import format_decimal
from billing_kernel.money import ExactAmount, Money
from billing_kernel.period import Period
from billing_runtime.fault import failpoint
from billing_runtime.transaction import Transaction

from billing_usage.domain.meter import Aggregation
from billing_usage.domain.rating import Charge, Rating, Usage
from billing_usage.domain.subscription import Price, Subject
from billing_usage.operations.ports import Known
from billing_usage.storage.copy_store import names_of, price_of, subjects_of
from billing_usage.storage.counting import PostgresEventReads

_FROZEN = """SELECT charge_id, item_id, price_id, meter_code, period_start, period_end, quantity, event_count,
    exact_numerator, exact_denominator, currency, amount_minor, explanation, rating_id
FROM rating WHERE tenant_id = %s AND charge_id = ANY(%b)"""
# LATERAL: one probe of each primary key an item, whatever the planner believes about the size of a tenant.
_KNOWN = """SELECT copied.version, copied.subscription_id, copied.customer_id, copied.names, copied.metered
FROM unnest(%b::uuid[]) WITH ORDINALITY AS asked(item_id, ord)
LEFT JOIN LATERAL (
    SELECT s.version, s.subscription_id, s.customer_id, c.names, i.price_id IS NOT NULL AS metered
    FROM subscription_item i
    JOIN subscription s ON s.tenant_id = i.tenant_id AND s.subscription_id = i.subscription_id
    LEFT JOIN customer c ON c.tenant_id = s.tenant_id AND c.customer_id = s.customer_id
    WHERE i.tenant_id = %b AND i.item_id = asked.item_id
    OFFSET 0
) copied ON true
ORDER BY asked.ord"""
_PRICES = """SELECT p.price_id, p.meter_code, p.currency, p.model, m.meter_id, m.aggregation
FROM price p LEFT JOIN meter m ON m.tenant_id = p.tenant_id AND m.code = p.meter_code
WHERE p.tenant_id = %s AND p.price_id = ANY(%b)"""
# %b: arrays travel in binary, as text each quote in them would be escaped.
_FREEZE = """INSERT INTO rating (charge_id, rating_id, item_id, price_id, meter_code, period_start, period_end,
    quantity, event_count, exact_numerator, exact_denominator, currency, amount_minor, explanation, subjects, snapshot)
SELECT charge_id, rating_id, item_id, price_id, meter_code, period_start, period_end, quantity::numeric, event_count,
    over::numeric, under::numeric, currency, amount_minor, explanation, subjects::jsonb,
    coalesce(nullif(snapshot, '')::pg_snapshot, pg_current_snapshot())
FROM unnest(%b::uuid[], %b::uuid[], %b::uuid[], %b::uuid[], %b::text[], %b::timestamptz[], %b::timestamptz[],
    %b::text[], %b::bigint[], %b::text[], %b::text[], %b::text[], %b::bigint[], %b::text[], %b::text[], %b::text[])
    AS new(charge_id, rating_id, item_id, price_id, meter_code, period_start, period_end, quantity, event_count, over,
        under, currency, amount_minor, explanation, subjects, snapshot)
ON CONFLICT DO NOTHING RETURNING charge_id"""

_Priced = tuple[Price, UUID | None, Aggregation | None]


class PostgresRatingStore(PostgresEventReads):
    """One transaction."""

    def __init__(self, tx: Transaction) -> None:
        super().__init__(tx)
        self._subjects: dict[UUID, Sequence[Subject]] = {}

    async def frozen(self, charge_ids: Sequence[UUID]) -> Mapping[UUID, Rating]:
        """The ratings that are frozen, by charge."""
        rows = await (await self._tx.raw.execute(_FROZEN, (self._tx.tenant_id, list(charge_ids)))).fetchall()
        return {row[0]: _rating(row) for row in rows}

    async def known(self, charges: Sequence[Charge]) -> Sequence[Known]:
        """In request order."""
        if not charges:
            return []
        prices = await self._prices({charge.price_id for charge in charges})
        arguments = ([charge.item_id for charge in charges], self._tx.tenant_id)
        rows = await (await self._tx.raw.execute(_KNOWN, arguments)).fetchall()
        return [self._known(charge, row, prices) for charge, row in zip(charges, rows, strict=True)]

    def _known(self, charge: Charge, row: Sequence[Any], prices: Mapping[UUID, _Priced]) -> Known:
        version, subscription_id, customer_id, names, metered = row
        price, meter_id, aggregation = prices.get(charge.price_id, (None, None, None))
        if version is None:
            return Known(None, (), False, price, meter_id, aggregation)
        found = subjects_of(subscription_id, customer_id, names_of(names or ()))
        self._subjects[charge.charge_id] = found
        return Known(version, found, metered, price, meter_id, aggregation)

    async def freeze(self, ratings: Sequence[tuple[Rating, str]]) -> Mapping[UUID, Rating]:
        """Stores the ratings in the order of their charges. Where another transaction was first, its rating stands."""
        if not ratings:
            return {}
        ordered = sorted(ratings, key=lambda rated: rated[0].charge_id)
        rows = [self._row(rating, snapshot) for rating, snapshot in ordered]
        columns = [list(column) for column in zip(*rows, strict=True)]
        stored = {row[0] for row in await (await self._tx.raw.execute(_FREEZE, columns)).fetchall()}
        failpoint("usage.ratings_frozen")
        standing = {rating.charge_id: rating for rating, _ in ordered}
        beaten = [charge_id for charge_id in standing if charge_id not in stored]
        return {**standing, **await self.frozen(beaten)} if beaten else standing

    async def _prices(self, price_ids: set[UUID]) -> Mapping[UUID, _Priced]:
        rows = await (await self._tx.raw.execute(_PRICES, (self._tx.tenant_id, list(price_ids)))).fetchall()
        return {row[0]: (price_of(*row[:4]), row[4], Aggregation(row[5]) if row[5] else None) for row in rows}

    def _row(self, rating: Rating, snapshot: str) -> tuple[Any, ...]:
        usage = rating.usage
        counted = [[s.text, s.since.isoformat(), s.until.isoformat()] for s in self._subjects[rating.charge_id]]
        return (
            rating.charge_id,
            rating.rating_id,
            rating.item_id,
            rating.price_id,
            rating.meter_code,
            rating.period.start,
            rating.period.end,
            format_decimal(usage.quantity),
            usage.event_count,
            str(usage.exact.value.numerator),
            str(usage.exact.value.denominator),
            usage.amount.currency,
            usage.amount.minor,
            usage.explanation,
            json.dumps(counted),
            snapshot,
        )


def _rating(row: Sequence[Any]) -> Rating:
    charge_id, item_id, price_id, meter_code, start, end, quantity, events, over, under, currency, minor, text, own = (
        row
    )
    exact = ExactAmount(currency, Fraction(int(over), int(under)))
    usage = Usage(Fraction(quantity), events, exact, Money(currency, minor), text)
    return Rating(charge_id, item_id, price_id, meter_code, Period(start, end), usage, own)
