"""Plain reads, without locks: lists, the resources of answers, and what the test clock asks."""

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from billing_runtime.call import current_call
from billing_runtime.database import Database
from billing_runtime.transaction import Transaction
from sqlalchemy import Select, exists, select, tuple_

from billing_invoicing.domain.account_credit import Entry
from billing_invoicing.domain.invoice import Invoice, Line
from billing_invoicing.domain.run import Run, Tally
from billing_invoicing.domain.seller import Party, Seller
from billing_invoicing.operations.ports import InvoiceFilter, ParkedDue, Read
from billing_invoicing.storage.credit_tables import account_credit_entry
from billing_invoicing.storage.mapping import (
    entry_from_row,
    invoice_from_row,
    line_from_row,
    party_from_json,
    run_from_row,
    seller_from_row,
)
from billing_invoicing.storage.sellers import SELLERS
from billing_invoicing.storage.tables import billing_run, invoice, invoice_line, parked_due, party, seller, settled_due
from billing_invoicing.storage.unit_of_work import PostgresUnitOfWork


class PostgresReads(PostgresUnitOfWork):
    """One read-only transaction: what operations read, and the lists."""

    async def list_sellers(self, *, after: UUID | None, limit: int) -> list[Seller]:
        """In order of creation, behind `after`."""
        query = SELLERS.order_by(seller.c.seller_id).limit(limit)
        if after is not None:
            query = query.where(seller.c.seller_id > after)
        return [seller_from_row(row) for row in await self.tx.conn.execute(query)]

    async def list_invoices(self, wanted: InvoiceFilter, *, after: UUID | None, limit: int) -> list[Invoice]:
        """In order of creation, behind `after`, without lines."""
        columns = invoice.c
        limits = {
            columns.customer_id: wanted.customer_id,
            columns.subscription_id: wanted.subscription_id,
            columns.run_id: wanted.run_id,
            columns.state: wanted.state.value if wanted.state else None,
        }
        query = select(invoice).order_by(columns.invoice_id).limit(limit)
        query = query.where(*(column == value for column, value in limits.items() if value is not None))
        if after is not None:
            query = query.where(columns.invoice_id > after)
        return [invoice_from_row(row) for row in await self.tx.conn.execute(query)]

    async def whole_invoices(self, query: Select[Any]) -> list[Invoice]:
        """The invoices that `query` selects, with their lines, in two statements."""
        rows = list(await self.tx.conn.execute(query))
        lines: dict[UUID, list[Line]] = defaultdict(list)
        of_them = select(invoice_line).where(invoice_line.c.invoice_id.in_([row.invoice_id for row in rows]))
        for line in await self.tx.conn.execute(of_them.order_by(invoice_line.c.position)):
            lines[line.invoice_id].append(line_from_row(line))
        return [invoice_from_row(row, lines[row.invoice_id]) for row in rows]

    async def parties_of(self, invoices: Sequence[Invoice]) -> Mapping[UUID, Party]:
        """Invoice -> the frozen copy of its customer; drafts have none."""
        final = [each for each in invoices if each.final]
        versions = {(each.party_id, each.party_version) for each in final}
        if not versions:
            return {}
        query = select(party.c.party_id, party.c.version, party.c.content)
        query = query.where(tuple_(party.c.party_id, party.c.version).in_(sorted(versions)))
        found = {
            (party_id, version): party_from_json(content)
            for party_id, version, content in await self.tx.conn.execute(query)
        }
        return {
            each.invoice_id: found[each.party_id, each.party_version]
            for each in final
            if (each.party_id, each.party_version) in found
        }

    async def list_credit_entries(
        self, customer_id: UUID | None, currency: str, *, after: UUID | None, limit: int
    ) -> list[Entry]:
        """In order of creation, behind `after`; not limited by None or an empty `currency`."""
        columns = account_credit_entry.c
        query = select(account_credit_entry).order_by(columns.entry_id).limit(limit)
        if customer_id is not None:
            query = query.where(columns.customer_id == customer_id)
        if currency:
            query = query.where(columns.currency == currency)
        if after is not None:
            query = query.where(columns.entry_id > after)
        return [entry_from_row(row) for row in await self.tx.conn.execute(query)]

    async def list_runs(self, *, after: UUID | None, limit: int) -> list[tuple[Run, Tally]]:
        """In order of creation, behind `after`."""
        query = select(billing_run).order_by(billing_run.c.run_id).limit(limit)
        if after is not None:
            query = query.where(billing_run.c.run_id > after)
        runs = [run_from_row(row) for row in await self.tx.conn.execute(query)]
        tallies = await self.runs.tallies([run.run_id for run in runs])
        return [(run, tallies.get(run.run_id, Tally())) for run in runs]

    async def list_parked(self, *, after: tuple[datetime, UUID] | None, limit: int) -> list[ParkedDue]:
        """Rows of parked dues, the oldest first, behind `after` (time of parking, due)."""
        columns = parked_due.c
        query = select(
            columns.due_id,
            columns.run_id,
            columns.subscription_id,
            columns.customer_id,
            columns.reason,
            columns.message,
            columns.parked_at,
        )
        query = query.order_by(columns.parked_at, columns.due_id).limit(limit)
        if after is not None:
            query = query.where(tuple_(columns.parked_at, columns.due_id) > after)
        rows: Any = await self.tx.conn.execute(query)
        return [ParkedDue(*row) for row in rows]


def reads_of(database: Database) -> Read:
    """Opens a read of the call being served."""

    @asynccontextmanager
    async def read() -> AsyncIterator[PostgresReads]:
        async with database.read(current_call()) as tx:
            yield PostgresReads(tx)

    return read


async def is_empty(tx: Transaction) -> bool:
    """Whether the tenant has no record that depends on time. Sellers do not."""
    found = select(exists(select(billing_run)), exists(select(invoice)), exists(select(settled_due)))
    return not any((await tx.conn.execute(found)).one())
