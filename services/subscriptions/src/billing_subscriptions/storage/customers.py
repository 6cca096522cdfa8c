"""Customers and their parties behind the Customers port."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from billing_runtime.transaction import Transaction
from sqlalchemy import insert, update

from billing_subscriptions.domain.customer import Customer, Party
from billing_subscriptions.domain.errors import CustomerNotFound
from billing_subscriptions.storage.beside import Beside
from billing_subscriptions.storage.hierarchy import levels_below, line_of, lock_tree, payers_of, pays_for
from billing_subscriptions.storage.mapping import customer_from_row, customer_to_row, party_to_row
from billing_subscriptions.storage.queries import PostgresReads
from billing_subscriptions.storage.statements import Insert, insert_row, row, rows, write
from billing_subscriptions.storage.tables import customer as customer_table
from billing_subscriptions.storage.tables import party as party_table

_CUSTOMER, _PARTY = Insert.into(customer_table), Insert.into(party_table)
_ADD = f"WITH customer_row AS ({_CUSTOMER.text}) {_PARTY.text}"
_LOCK = "SELECT * FROM customer WHERE customer_id = %s FOR UPDATE"
_MANY = "SELECT * FROM customer WHERE customer_id = ANY(%s)"
_RUNNING = (
    "SELECT count(*) AS running FROM subscription WHERE customer_id = %s AND state NOT IN ('CANCELED', 'EXPIRED')"
)


class PostgresCustomers:
    def __init__(self, tx: Transaction, beside: Beside | None = None) -> None:
        self._tx = tx
        self._beside = beside or Beside()

    async def add(self, customer: Customer, party: Party) -> None:
        """At once where its name may be taken, else with what is sent next."""
        arguments = _CUSTOMER.values(customer_to_row(customer)) + _PARTY.values(party_to_row(customer, party))
        if customer.terms.external_id:
            await insert_row(self._tx, _ADD, arguments)
        else:
            self._tx.later((_ADD, arguments))

    async def lock(self, customer_id: UUID) -> Customer:
        found = await row(self._tx, _LOCK, customer_id)
        if found is None:
            raise CustomerNotFound("there is no such customer")
        return customer_from_row(found)

    async def get_many(self, customer_ids: Iterable[UUID]) -> Mapping[UUID, Customer]:
        wanted = set(customer_ids)
        read = self._beside.take_customers(wanted) or await rows(self._tx, _MANY, list(wanted))
        found = map(customer_from_row, read)
        return {customer.id: customer for customer in found}

    async def payers(self, customers: Mapping[UUID, Customer]) -> Mapping[UUID, Customer]:
        return await payers_of(self._tx, customers)

    async def lock_tree(self) -> None:
        await lock_tree(self._tx)

    async def line(self, customer_id: UUID) -> Sequence[Customer]:
        return await line_of(self._tx, customer_id)

    async def levels_below(self, customer_id: UUID) -> int:
        return await levels_below(self._tx, customer_id)

    async def pays_for(self, customer_id: UUID) -> int:
        return await pays_for(self._tx, customer_id)

    async def save(self, customer: Customer, party: Party | None) -> None:
        """Written under the row's lock, so the version needs no second look."""
        self._beside.customers.pop(customer.id, None)
        statement = update(customer_table).where(customer_table.c.customer_id == customer.id)
        await write(self._tx, statement.values(customer_to_row(customer)))
        if party is not None:
            await write(self._tx, insert(party_table).values(party_to_row(customer, party)))

    async def party(self, customer: Customer) -> Party:
        found = await PostgresReads(self._tx).parties([(customer.party_id, customer.party_version)])
        return found[customer.party_id, customer.party_version]

    async def running_subscriptions(self, customer_id: UUID) -> int:
        found = await row(self._tx, _RUNNING, customer_id)
        return int(found["running"]) if found else 0
