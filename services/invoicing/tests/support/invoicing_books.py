"""What the tests read from the service's database: rows, events and the invariants."""

from typing import Any
from uuid import UUID

from billing_invoicing.consumers.dues import dues_consumer
from billing_invoicing.consumers.facts import facts_consumer
from billing_invoicing.operations.prepare_dues import Peers
from billing_invoicing.storage.dues import gather_part
from billing_invoicing.storage.invariants import INVARIANTS, broken_hashes
from billing_invoicing.storage.unit_of_work import PostgresUnitOfWork
from billing_kernel.errors import DomainError
from billing_runtime.call import calling
from billing_runtime.consumer import Processor
from billing_runtime.database import Database
from billing_testkit.tenants import service_call
from google.protobuf import descriptor_pool, message_factory
from invoicing_builders import a_seller, received


class Books:
    """One tenant's database, its consumers and what they left."""

    def __init__(self, database: Database, tenant_id: UUID, peers: Peers) -> None:
        self.database = database
        self.tenant_id = tenant_id
        self.peers = peers
        self.dues = Processor(database, dues_consumer(PostgresUnitOfWork, gather_part, peers, 1000))
        self.facts = Processor(database, facts_consumer(PostgresUnitOfWork))

    async def add_seller(self, **changes: Any) -> Any:
        seller = a_seller(**changes)
        async with self.database.begin(service_call(self.tenant_id)) as tx:
            await PostgresUnitOfWork(tx).sellers.insert(seller)
        return seller

    async def bill(self, *dues: Any) -> None:
        """The dues arrive in one batch, each as a new event."""
        await self.dues.process([received(self.tenant_id, due) for due in dues])

    async def bill_until_done(self, *dues: Any) -> None:
        """The same beside others: what lost a race is tried again, as the consumer's loop does."""
        events = [received(self.tenant_id, due) for due in dues]
        for _ in range(100):
            try:
                return await self.dues.process(events)
            except DomainError as error:
                if not error.transient:
                    raise
        raise AssertionError("a hundred times in vain")

    async def rows(self, query: str, *arguments: Any) -> list[Any]:
        async with self.database.read(service_call(self.tenant_id)) as tx:
            return await (await tx.raw.execute(query, arguments)).fetchall()

    async def one(self, query: str, *arguments: Any) -> Any:
        (row,) = await self.rows(query, *arguments)
        return row[0] if len(row) == 1 else row

    async def events(self, name: str = "") -> list[Any]:
        """Messages of the outbox in order; `name` picks a type, such as "InvoiceFinalized"."""
        found = []
        for kind, payload in await self.rows("SELECT type, payload FROM outbox ORDER BY id"):
            if kind.rpartition(".")[2] == name or not name:
                descriptor = descriptor_pool.Default().FindMessageTypeByName(kind)
                found.append(message_factory.GetMessageClass(descriptor).FromString(payload))
        return found

    async def broken(self) -> dict[str, int]:
        """Rules that do not hold."""
        counts = {name: len(await self.rows(query)) for name, query in INVARIANTS.items()}
        with calling(service_call(self.tenant_id)):
            counts["content_hash"] = len((await broken_hashes(self.database, None))[0])
        return {name: count for name, count in counts.items() if count}
