"""`Numbers` on PostgreSQL: a series is locked until the end, so numbers have no gap and dates no way back."""

from uuid import UUID

from billing_runtime.transaction import Transaction
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from billing_invoicing.domain.numbering import Series
from billing_invoicing.storage.tables import number_counter, number_series

_LOCK = """
INSERT INTO number_series (seller_id, series) VALUES (%s, %s)
ON CONFLICT (tenant_id, seller_id, series) DO UPDATE SET series = excluded.series
RETURNING last_invoice_at
"""


class PostgresNumbers:
    """In one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self.tx = tx

    async def lock(self, seller_id: UUID, series: str) -> Series:
        row = await (await self.tx.raw.execute(_LOCK, (seller_id, series))).fetchone()
        assert row is not None, "the statement returns the row that it locks"
        counters = number_counter.c
        query = select(counters.year, counters.last_number).where(
            counters.seller_id == seller_id, counters.series == series
        )
        found = await self.tx.conn.execute(query)
        return Series({counter.year: counter.last_number for counter in found}, row[0])

    async def save(self, seller_id: UUID, series: str, stand: Series) -> None:
        name = {"seller_id": seller_id, "series": series}
        moved = update(number_series).where(number_series.c.seller_id == seller_id, number_series.c.series == series)
        await self.tx.conn.execute(moved.values(last_invoice_at=stand.last_invoice_at))
        wanted = insert(number_counter).values(
            [{**name, "year": year, "last_number": last} for year, last in sorted(stand.last.items())]
        )
        key = ["tenant_id", "seller_id", "series", "year"]
        counted = wanted.on_conflict_do_update(index_elements=key, set_={"last_number": wanted.excluded.last_number})
        await self.tx.conn.execute(counted)
