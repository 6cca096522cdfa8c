"""Meters: the port MeterStore on PostgreSQL, and their plain reads."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from billing_runtime.database_errors import UniqueViolated
from billing_runtime.transaction import Transaction
from google.protobuf.message import Message
from sqlalchemy import Row, insert, select, update

from billing_usage.domain.errors import MeterCodeTaken, MeterNotFound
from billing_usage.domain.meter import Aggregation, Meter, MeterEvent
from billing_usage.operations.ports import Response
from billing_usage.storage.tables import METER_CODE, meter
from billing_usage.wire.events import event_of


class PostgresMeterStore:
    """One transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def now(self) -> datetime:
        return await self._tx.now()

    async def add_meter(self, new: Meter) -> None:
        """Raises MeterCodeTaken."""
        try:
            await self._tx.conn.execute(insert(meter).values(_row(new)))
        except UniqueViolated as error:
            if error.constraint != METER_CODE:
                raise
            raise MeterCodeTaken("a meter has this code already", facts={"code": new.code}) from error

    async def lock_meter(self, meter_id: UUID) -> Meter:
        """Raises MeterNotFound."""
        return await _one(self._tx, select(meter).where(_is(self._tx, meter_id)).with_for_update())

    async def save_meter(self, changed: Meter) -> None:
        await self._tx.conn.execute(update(meter).where(_is(self._tx, changed.meter_id)).values(_row(changed)))

    async def publish(self, event: MeterEvent) -> None:
        await self._tx.publish(event_of(event))

    async def answer(self, response: Response) -> Response:
        assert isinstance(response, Message)
        return await self._tx.answer(response)


class PostgresMeterReads:
    """One transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def get_meter(self, meter_id: UUID) -> Meter:
        """Raises MeterNotFound."""
        return await _one(self._tx, select(meter).where(_is(self._tx, meter_id)))

    async def list_meters(self, code: str, after: UUID | None, limit: int) -> Sequence[Meter]:
        """In order of creation (ids are time-ordered); `code` "" means any."""
        query = select(meter).where(meter.c.tenant_id == self._tx.tenant_id).order_by(meter.c.meter_id).limit(limit)
        if code:
            query = query.where(meter.c.code == code)
        if after is not None:
            query = query.where(meter.c.meter_id > after)
        return [_from_row(row) for row in await self._tx.conn.execute(query)]

    async def meters(self, codes: Sequence[str]) -> Mapping[str, Meter]:
        return await meters_by_code(self._tx, codes)


async def meters_by_code(tx: Transaction, codes: Sequence[str]) -> dict[str, Meter]:
    """Those that exist."""
    query = select(meter).where(meter.c.tenant_id == tx.tenant_id, meter.c.code.in_(sorted(set(codes))))
    return {row.code: _from_row(row) for row in await tx.conn.execute(query)}


def _is(tx: Transaction, meter_id: UUID) -> Any:
    return (meter.c.tenant_id == tx.tenant_id) & (meter.c.meter_id == meter_id)


async def _one(tx: Transaction, query: Any) -> Meter:
    row = (await tx.conn.execute(query)).one_or_none()
    if row is None:
        raise MeterNotFound("there is no such meter")
    return _from_row(row)


def _from_row(row: Row[Any]) -> Meter:
    return Meter(
        meter_id=row.meter_id,
        code=row.code,
        name=row.name,
        unit=row.unit,
        aggregation=Aggregation(row.aggregation),
        metadata=row.metadata,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _row(value: Meter) -> dict[str, Any]:
    return {
        "meter_id": value.meter_id,
        "code": value.code,
        "name": value.name,
        "unit": value.unit,
        "aggregation": value.aggregation.value,
        "metadata": dict(value.metadata),
        "version": value.version,
        "created_at": value.created_at,
        "updated_at": value.updated_at,
    }
