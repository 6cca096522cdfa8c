"""Products and features behind the NamedStore port."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Generic
from uuid import UUID

from billing_kernel.errors import NotFound
from billing_runtime.transaction import Transaction
from sqlalchemy import Table, insert, select, update

from billing_subscriptions.domain.catalog_errors import FeatureNotFound, ProductNotFound
from billing_subscriptions.domain.named import Feature, N, Product
from billing_subscriptions.storage.catalog_tables import feature, product
from billing_subscriptions.storage.statements import rows, write

Row = Mapping[Any, Any]


class PostgresNamed(Generic[N]):
    def __init__(self, tx: Transaction, kind: type[N], table: Table, missing: type[NotFound]) -> None:
        self._tx = tx
        self._kind: type[N] = kind
        self._table = table
        self._missing = missing
        self._id = table.c[f"{table.name}_id"]

    async def add(self, named: N) -> None:
        await write(self._tx, insert(self._table).values(self._to_row(named)))

    async def save(self, named: N) -> None:
        await write(self._tx, update(self._table).where(self._id == named.id).values(self._to_row(named)))

    async def lock(self, named_id: UUID) -> N:
        return await self._one(named_id, "FOR UPDATE")

    async def get(self, named_id: UUID) -> N:
        return await self._one(named_id, "")

    async def by_codes(self, codes: Iterable[str], *, lock: bool = False) -> Mapping[str, N]:
        query = f"SELECT * FROM {self._table.name} WHERE code = ANY(%s) ORDER BY code {'FOR UPDATE' if lock else ''}"
        found = await rows(self._tx, query, list(codes))
        return {each["code"]: self._from_row(each) for each in found}

    async def page(self, *, code: str, archived: bool, after: UUID | None, limit: int) -> Sequence[N]:
        query = select(self._table).order_by(self._id).limit(limit)
        if code:
            query = query.where(self._table.c.code == code)
        if not archived:
            query = query.where(self._table.c.archived_at.is_(None))
        if after is not None:
            query = query.where(self._id > after)
        found = await self._tx.conn.execute(query)
        return [self._from_row(dict(each)) for each in found.mappings()]

    async def _one(self, named_id: UUID, lock: str) -> N:
        query = f"SELECT * FROM {self._table.name} WHERE {self._id.name} = %s {lock}"
        found = await rows(self._tx, query, named_id)
        if not found:
            raise self._missing(f"there is no such {self._table.name}")
        return self._from_row(found[0])

    def _to_row(self, named: N) -> dict[str, Any]:
        return {
            self._id.name: named.id,
            "code": named.code,
            "name": named.name,
            "description": named.description,
            "metadata": dict(named.metadata),
            "archived_at": named.archived_at,
            "version": named.version,
            "created_at": named.created_at,
            "updated_at": named.updated_at,
        }

    def _from_row(self, row: Row) -> N:
        return self._kind(
            id=row[self._id.name],
            code=row["code"],
            name=row["name"],
            description=row["description"],
            metadata=row["metadata"],
            version=row["version"],
            created_at=row["created_at"],
            updated_at=row["updated_at"],
            archived_at=row["archived_at"],
        )


def products_of(tx: Transaction) -> PostgresNamed[Product]:
    return PostgresNamed(tx, Product, product, ProductNotFound)


def features_of(tx: Transaction) -> PostgresNamed[Feature]:
    return PostgresNamed(tx, Feature, feature, FeatureNotFound)
