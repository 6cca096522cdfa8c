"""Plain reads, without locks."""

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

from billing_runtime.call import current_call
from billing_runtime.database import Database
from billing_runtime.transaction import Transaction
from sqlalchemy import exists, select

from billing_tax.domain.errors import RegistrationNotFound
from billing_tax.domain.exemption import Exemption
from billing_tax.domain.registration import Registration
from billing_tax.operations.ports import Read
from billing_tax.storage.mapping import exemption_from_row, registration_from_row
from billing_tax.storage.tables import exemption, registration

_REGISTRATIONS = select(registration)
_EXEMPTIONS = select(exemption)


class PostgresReads:
    """`Reads` in one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self.tx = tx

    async def now(self) -> datetime:
        return await self.tx.now()

    async def registrations_of(self, seller_ids: Sequence[UUID]) -> Mapping[UUID, tuple[Registration, ...]]:
        found: dict[UUID, list[Registration]] = defaultdict(list)
        for row in await self.tx.conn.execute(_REGISTRATIONS.where(registration.c.seller_id.in_(seller_ids))):
            found[row.seller_id].append(registration_from_row(row))
        return {seller_id: tuple(values) for seller_id, values in found.items()}

    async def exemptions_of(self, customer_ids: Sequence[UUID]) -> Mapping[UUID, tuple[Exemption, ...]]:
        found: dict[UUID, list[Exemption]] = defaultdict(list)
        if customer_ids:
            for row in await self.tx.conn.execute(_EXEMPTIONS.where(exemption.c.customer_id.in_(customer_ids))):
                found[row.customer_id].append(exemption_from_row(row))
        return {customer_id: tuple(values) for customer_id, values in found.items()}

    async def get_registration(self, registration_id: UUID) -> Registration:
        query = _REGISTRATIONS.where(registration.c.registration_id == registration_id)
        row = (await self.tx.conn.execute(query)).first()
        if row is None:
            raise RegistrationNotFound("no such registration")
        return registration_from_row(row)

    async def list_registrations(self, *, seller_id: UUID | None, after: UUID | None, limit: int) -> list[Registration]:
        query = _REGISTRATIONS.order_by(registration.c.registration_id).limit(limit)
        if seller_id is not None:
            query = query.where(registration.c.seller_id == seller_id)
        if after is not None:
            query = query.where(registration.c.registration_id > after)
        return [registration_from_row(row) for row in await self.tx.conn.execute(query)]

    async def list_exemptions(self, *, customer_id: UUID | None, after: UUID | None, limit: int) -> list[Exemption]:
        query = _EXEMPTIONS.order_by(exemption.c.exemption_id).limit(limit)
        if customer_id is not None:
            query = query.where(exemption.c.customer_id == customer_id)
        if after is not None:
            query = query.where(exemption.c.exemption_id > after)
        return [exemption_from_row(row) for row in await self.tx.conn.execute(query)]


def reads_of(database: Database) -> Read:
    """Opens a read of the call being served."""

    @asynccontextmanager
    async def read() -> AsyncIterator[PostgresReads]:
        async with database.read(current_call()) as tx:
            yield PostgresReads(tx)

    return read


async def is_empty(tx: Transaction) -> bool:
    """Whether the tenant has no record in this service."""
    found = select(exists(select(registration)), exists(select(exemption)))
    return not any((await tx.conn.execute(found)).one())
