"""`UnitOfWork` on PostgreSQL: rows, events and the answer commit together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from billing_runtime.call import current_call
from billing_runtime.database import Database
from billing_runtime.transaction import Transaction

from billing_invoicing.domain.events import InvoicingEvent
from billing_invoicing.operations.ports import Answer, Begin
from billing_invoicing.storage.credits import PostgresCredits
from billing_invoicing.storage.dues import PostgresDues
from billing_invoicing.storage.invoices import PostgresInvoices
from billing_invoicing.storage.numbers import PostgresNumbers
from billing_invoicing.storage.runs import PostgresClocks, PostgresRuns
from billing_invoicing.storage.sellers import PostgresParties, PostgresSellers
from billing_invoicing.wire.events import event_to_pb


class PostgresUnitOfWork:
    """Lives as long as its transaction."""

    def __init__(self, tx: Transaction) -> None:
        self.tx = tx
        self.sellers = PostgresSellers(tx)
        self.parties = PostgresParties(tx)
        self.invoices = PostgresInvoices(tx)
        self.credits = PostgresCredits(tx)
        self.numbers = PostgresNumbers(tx)
        self.dues = PostgresDues(tx)
        self.runs = PostgresRuns(tx)
        self.test_clocks = PostgresClocks(tx)

    async def now(self) -> datetime:
        return await self.tx.now()

    async def publish(self, *events: InvoicingEvent, cause: Any = None) -> None:
        await self.tx.publish(*map(event_to_pb, events), cause=cause)

    async def answer(self, response: Answer) -> Answer:
        return await self.tx.answer(response)


def units_of_work(database: Database) -> Begin:
    """Opens a transaction of the call being served."""

    @asynccontextmanager
    async def begin() -> AsyncIterator[PostgresUnitOfWork]:
        async with database.begin(current_call()) as tx:
            yield PostgresUnitOfWork(tx)

    return begin
