"""`Sellers` and `Parties` on PostgreSQL. The printed side of each version of a seller is a row of `party`."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from billing_runtime.database_errors import UniqueViolated
from billing_runtime.transaction import Transaction
from psycopg.types.json import Jsonb
from sqlalchemy import Select, and_, exists, insert, select, update

from billing_invoicing.domain.errors import NumberPrefixTaken, SellerNotFound
from billing_invoicing.domain.printing import PrintedSeller
from billing_invoicing.domain.seller import Party, Seller, zone_of
from billing_invoicing.operations.ports import PartyVersion
from billing_invoicing.storage.mapping import (
    party_from_json,
    party_to_json,
    seller_from_row,
    tax_ids_from_json,
    tax_ids_to_json,
)
from billing_invoicing.storage.tables import party, seller

_LOCK_ALL = "SELECT pg_advisory_xact_lock(hashtextextended('seller:' || %s, 0))"
_MISSING = """
SELECT wanted.party_id, wanted.version FROM unnest(%s::uuid[], %s::int[]) AS wanted(party_id, version)
WHERE NOT EXISTS (SELECT FROM party WHERE party.party_id = wanted.party_id AND party.version = wanted.version)
"""
_KEEP = """
INSERT INTO party (party_id, version, customer_id, content)
SELECT * FROM jsonb_to_recordset(%s) AS made(party_id uuid, version int, customer_id uuid, content jsonb)
ON CONFLICT DO NOTHING
"""
SELLERS: Select[Any] = select(seller, party.c.content, party.c.tax_ids, party.c.footer).join(
    party,
    and_(
        party.c.tenant_id == seller.c.tenant_id,
        party.c.party_id == seller.c.seller_id,
        party.c.version == seller.c.version,
    ),
)


class PostgresSellers:
    """In one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self.tx = tx

    async def every(self) -> Mapping[UUID, Seller]:
        rows = await self.tx.conn.execute(SELLERS.order_by(seller.c.seller_id))
        return {row.seller_id: seller_from_row(row) for row in rows}

    async def get(self, seller_id: UUID) -> Seller:
        return await self._one(SELLERS.where(seller.c.seller_id == seller_id))

    async def lock(self, seller_id: UUID) -> Seller:
        await self.tx.conn.execute(select(seller.c.version).where(seller.c.seller_id == seller_id).with_for_update())
        return await self.get(seller_id)

    async def lock_all(self) -> None:
        await self.tx.raw.execute(_LOCK_ALL, (str(self.tx.tenant_id),))

    async def any(self) -> bool:
        return bool((await self.tx.conn.execute(select(exists(select(seller))))).scalar_one())

    async def insert(self, wanted: Seller) -> None:
        try:
            await self.tx.conn.execute(insert(seller).values(**_row(wanted), created_at=wanted.created_at))
        except UniqueViolated as violated:
            if violated.constraint != "seller_prefix_once":
                raise
            raise NumberPrefixTaken(
                "another seller has this prefix", facts={"number_prefix": wanted.number_prefix}
            ) from violated
        await self._print(wanted)

    async def save(self, changed: Seller) -> None:
        await self.tx.conn.execute(update(seller).where(seller.c.seller_id == changed.seller_id).values(_row(changed)))
        await self._print(changed)

    async def printed(self, seller_id: UUID, version: int) -> PrintedSeller:
        query = (
            select(party.c.content, party.c.tax_ids, party.c.footer, seller.c.time_zone)
            .join(seller, seller.c.seller_id == party.c.party_id)
            .where(party.c.party_id == seller_id, party.c.version == version)
        )
        row = (await self.tx.conn.execute(query)).one()
        tax_ids = tax_ids_from_json(row.tax_ids)
        return PrintedSeller(party_from_json(row.content), tax_ids, row.footer, zone_of(row.time_zone))

    async def _one(self, query: Select[Any]) -> Seller:
        row = (await self.tx.conn.execute(query)).first()
        if row is None:
            raise SellerNotFound("no such seller")
        return seller_from_row(row)

    async def _print(self, made: Seller) -> None:
        copy = {
            "party_id": made.seller_id,
            "version": made.version,
            "content": party_to_json(made.party),
            "tax_ids": tax_ids_to_json(made.tax_ids),
            "footer": made.footer,
        }
        await self.tx.conn.execute(insert(party).values(copy))


class PostgresParties:
    """In one transaction. A copy is never edited."""

    def __init__(self, tx: Transaction) -> None:
        self.tx = tx

    async def missing(self, wanted: Sequence[PartyVersion]) -> list[PartyVersion]:
        once = sorted(set(wanted))
        if not once:
            return []
        ids, versions = [party_id for party_id, _ in once], [version for _, version in once]
        rows = await (await self.tx.raw.execute(_MISSING, (ids, versions))).fetchall()
        return [(row[0], row[1]) for row in rows]

    async def keep(self, copies: Mapping[PartyVersion, Party], owners: Mapping[UUID, UUID]) -> None:
        ordered = sorted(copies)  # one order for all transactions, so that they never wait for each other in a ring
        made = [
            {
                "party_id": str(party_id),
                "version": version,
                "customer_id": str(owners[party_id]),
                "content": party_to_json(copies[party_id, version]),
            }
            for party_id, version in ordered
        ]
        await self.tx.raw.execute(_KEEP, (Jsonb(made),))

    async def get(self, party_id: UUID, version: int) -> Party | None:
        query = select(party.c.content).where(party.c.party_id == party_id, party.c.version == version)
        content = (await self.tx.conn.execute(query)).scalar()
        return None if content is None else party_from_json(content)


def _row(made: Seller) -> dict[str, Any]:
    return {
        "seller_id": made.seller_id,
        "version": made.version,
        "time_zone": made.time_zone,
        "number_prefix": made.number_prefix,
        "is_default": made.is_default,
        "metadata": dict(made.metadata),
        "updated_at": made.updated_at,
    }
