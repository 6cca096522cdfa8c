"""Events: the port EventStore on PostgreSQL. The hot path is COPY in binary, below SQLAlchemy."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from uuid import UUID

from billing_runtime.fault import failpoint
from billing_runtime.transaction import Transaction
from psycopg.errors import UniqueViolation

from billing_usage.domain.event import Candidate, Key
from billing_usage.domain.ingestion import Batch
from billing_usage.operations.ports import DuplicateFound
from billing_usage.storage.copy_rows import EVENT_COLUMNS, KEY_COLUMNS, event_rows, key_rows
from billing_usage.storage.tables import EVENTS_LEAF, KEYS_LEAF

TENANTS_CACHED = 1000
BINARY = ("bytea",)  # rows are sent as bytes that are ready: the type only chooses the binary format

_CODES = "SELECT code, meter_id FROM meter WHERE tenant_id = %s AND code = ANY(%s)"
# LATERAL: one probe of the primary key an identity. %b: arrays travel in binary, so that nothing is escaped.
_FIND = """SELECT wanted.source, wanted.id, found.content_hash
FROM unnest(%b::text[], %b::text[]) AS wanted(source, id)
CROSS JOIN LATERAL (
    SELECT k.content_hash FROM event_key k
    WHERE k.tenant_id = %b AND k.source = wanted.source AND k.id = wanted.id
    OFFSET 0
) found"""
_CLAIM = """INSERT INTO event_key (source, id, content_hash, batch_id)
SELECT new.source, new.id, new.content_hash, %b
FROM unnest(%b::text[], %b::text[], %b::bytea[]) AS new(source, id, content_hash)
ON CONFLICT DO NOTHING RETURNING source, id"""
_BATCH = "INSERT INTO ingest_batch (batch_id, accepted, duplicates, rejected) VALUES (%s, %s, %s, %s)"


class MeterCodes:
    """The codes that this process has seen, by tenant. Neither code nor id of a meter ever changes, so what is here is
    true; what is not here is asked for."""

    def __init__(self) -> None:
        self._by_tenant: dict[UUID, dict[str, UUID]] = {}

    async def resolve(self, tx: Transaction, wanted: AbstractSet[str]) -> Mapping[str, UUID]:
        """Those of `wanted` that exist, and perhaps others."""
        known = self._by_tenant.get(tx.tenant_id, {})
        missing = [code for code in wanted if code not in known and code.isprintable()]
        if not missing:
            return known
        rows = await (await tx.raw.execute(_CODES, (tx.tenant_id, missing))).fetchall()
        known = {**known, **dict(rows)}
        if len(self._by_tenant) >= TENANTS_CACHED:
            self._by_tenant.clear()
        self._by_tenant[tx.tenant_id] = known
        return known


class PostgresEventStore:
    """One transaction."""

    def __init__(self, tx: Transaction, codes: MeterCodes) -> None:
        self._tx = tx
        self._codes = codes

    async def now(self) -> datetime:
        return await self._tx.now()

    async def meter_codes(self, wanted: AbstractSet[str]) -> Mapping[str, UUID]:
        return await self._codes.resolve(self._tx, wanted)

    async def find_keys(self, keys: Sequence[Key]) -> Mapping[Key, bytes]:
        """Content hashes of the identities that are stored."""
        arguments = ([key[0] for key in keys], [key[1] for key in keys], self._tx.tenant_id)
        rows = await (await self._tx.raw.execute(_FIND, arguments)).fetchall()
        return {(source, event_id): bytes(content) for source, event_id, content in rows}

    async def claim_keys(self, batch_id: UUID, candidates: Sequence[Candidate]) -> AbstractSet[Key]:
        """Stores the identities that are new and answers them. Candidates come in the order of the key, so that two
        transactions wait for each other in one direction only."""
        columns = [[candidate[column] for candidate in candidates] for column in range(3)]
        rows = await (await self._tx.raw.execute(_CLAIM, (batch_id, *columns))).fetchall()
        return {(source, event_id) for source, event_id in rows}

    async def copy_events(
        self, batch_id: UUID, candidates: Sequence[Candidate], meters: Mapping[str, UUID], *, claimed: bool
    ) -> None:
        """Raises DuplicateFound."""
        batch = batch_id.bytes
        if not claimed:
            await self._copy_keys(batch, candidates)
        failpoint("usage.keys_stored")
        codes = {code: meters[code].bytes for code in {candidate[3] for candidate in candidates}}
        async with self._tx.copy(EVENTS_LEAF, EVENT_COLUMNS, types=BINARY) as copy:
            await copy.write(event_rows(batch, candidates, codes))
        failpoint("usage.events_stored")

    async def _copy_keys(self, batch: bytes, candidates: Sequence[Candidate]) -> None:
        try:
            async with self._tx.copy(KEYS_LEAF, KEY_COLUMNS, types=BINARY) as copy:
                await copy.write(key_rows(batch, candidates))
        except UniqueViolation as error:
            raise DuplicateFound from error

    async def add_batch(self, batch: Batch) -> None:
        row = (batch.batch_id, batch.accepted, batch.duplicates, batch.rejected)
        await self._tx.raw.execute(_BATCH, row)
