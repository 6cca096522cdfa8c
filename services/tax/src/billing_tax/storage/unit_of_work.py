"""`UnitOfWork` on PostgreSQL: rows, events and the answer commit together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

from billing_runtime.call import current_call
from billing_runtime.database import Database
from billing_runtime.database_errors import UniqueViolated
from billing_runtime.transaction import Transaction
from sqlalchemy import insert, or_, select, update

from billing_tax.domain.errors import ExemptionNotFound, RegistrationNotFound, RegistrationOverlaps
from billing_tax.domain.events import TaxEvent
from billing_tax.domain.exemption import Exemption
from billing_tax.domain.registration import Registration
from billing_tax.operations.ports import Answer, Begin
from billing_tax.storage.mapping import (
    exemption_from_row,
    exemption_to_row,
    registration_from_row,
    registration_to_row,
)
from billing_tax.storage.tables import exemption, registration
from billing_tax.wire.events import event_to_pb


class PostgresUnitOfWork:
    """Lives as long as its transaction."""

    def __init__(self, tx: Transaction) -> None:
        self.tx = tx

    async def now(self) -> datetime:
        return await self.tx.now()

    async def overlapping_registration(self, wanted: Registration) -> UUID | None:
        table = registration.c
        query = select(table.registration_id).where(
            table.seller_id == wanted.seller_id,
            table.country == wanted.place.country,
            table.region == wanted.place.region,
            table.scheme == wanted.scheme.value,
            or_(table.end_at.is_(None), table.end_at > wanted.start),
        )
        if wanted.end is not None:
            query = query.where(table.start_at < wanted.end)
        return (await self.tx.conn.execute(query.limit(1))).scalar()

    async def insert_registration(self, wanted: Registration) -> None:
        try:
            await self.tx.conn.execute(insert(registration).values(registration_to_row(wanted)))
        except UniqueViolated as violated:
            if violated.constraint != "registration_open_once":
                raise
            raise RegistrationOverlaps("the seller has such a registration in that time") from violated

    async def lock_registration(self, registration_id: UUID) -> Registration:
        query = select(registration).where(registration.c.registration_id == registration_id).with_for_update()
        row = (await self.tx.conn.execute(query)).first()
        if row is None:
            raise RegistrationNotFound("no such registration")
        return registration_from_row(row)

    async def save_registration(self, changed: Registration) -> None:
        query = update(registration).where(registration.c.registration_id == changed.id)
        await self.tx.conn.execute(query.values(registration_to_row(changed)))

    async def insert_exemption(self, wanted: Exemption) -> None:
        await self.tx.conn.execute(insert(exemption).values(exemption_to_row(wanted)))

    async def lock_exemption(self, exemption_id: UUID) -> Exemption:
        query = select(exemption).where(exemption.c.exemption_id == exemption_id).with_for_update()
        row = (await self.tx.conn.execute(query)).first()
        if row is None:
            raise ExemptionNotFound("no such exemption")
        return exemption_from_row(row)

    async def save_exemption(self, changed: Exemption) -> None:
        query = update(exemption).where(exemption.c.exemption_id == changed.id)
        await self.tx.conn.execute(query.values(exemption_to_row(changed)))

    async def publish(self, event: TaxEvent) -> None:
        await self.tx.publish(event_to_pb(event, await self.tx.now()))

    async def answer(self, response: Answer) -> Answer:
        return await self.tx.answer(response)


def units_of_work(database: Database) -> Begin:
    """Begins the transaction of the call being served."""

    @asynccontextmanager
    async def begin() -> AsyncIterator[PostgresUnitOfWork]:
        async with database.begin(current_call()) as tx:
            yield PostgresUnitOfWork(tx)

    return begin
