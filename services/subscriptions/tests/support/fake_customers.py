"""Customers in memory, with their parents and payers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from billing_subscriptions.domain.customer import Customer, Party
from billing_subscriptions.domain.errors import CustomerNotFound, ExternalIdTaken
from billing_subscriptions.domain.subscription import ENDED


@dataclass
class FakeCustomers:
    world: Any
    rows: dict[UUID, Customer] = field(default_factory=dict)
    party_rows: dict[tuple[UUID, int], Party] = field(default_factory=dict)

    async def add(self, customer: Customer, party: Party) -> None:
        self._check_name(customer)
        self.rows[customer.id] = customer
        self.party_rows[customer.party_id, customer.party_version] = party

    async def lock(self, customer_id: UUID) -> Customer:
        if customer_id not in self.rows:
            raise CustomerNotFound("none")
        return self.rows[customer_id]

    async def get_many(self, customer_ids: Iterable[UUID]) -> Mapping[UUID, Customer]:
        return {each: self.rows[each] for each in customer_ids if each in self.rows}

    async def payers(self, customers: Mapping[UUID, Customer]) -> Mapping[UUID, Customer]:
        return {each: self._payer(customer) for each, customer in customers.items()}

    def _payer(self, customer: Customer) -> Customer:
        parent_id = customer.terms.parent_id if customer.terms.billed_to_parent else None
        return customer if parent_id is None else self._payer(self.rows[parent_id])

    async def lock_tree(self) -> None:
        """One thread, one transaction."""

    async def line(self, customer_id: UUID) -> Sequence[Customer]:
        customer = self.rows.get(customer_id)
        if customer is None:
            return []
        above = customer.terms.parent_id
        return [customer, *(await self.line(above) if above else [])]

    async def levels_below(self, customer_id: UUID) -> int:
        children = [each.id for each in self.rows.values() if each.terms.parent_id == customer_id]
        return max([1 + await self.levels_below(each) for each in children], default=0)

    async def pays_for(self, customer_id: UUID) -> int:
        terms = [each.terms for each in self.rows.values()]
        return sum(each.parent_id == customer_id and each.billed_to_parent for each in terms)

    async def save(self, customer: Customer, party: Party | None) -> None:
        self._check_name(customer)
        self.rows[customer.id] = customer
        if party is not None:
            self.party_rows[customer.party_id, customer.party_version] = party

    async def party(self, customer: Customer) -> Party:
        return self.party_rows[customer.party_id, customer.party_version]

    async def running_subscriptions(self, customer_id: UUID) -> int:
        found = self.world.subscriptions.rows.values()
        return sum(each.customer_id == customer_id and each.state not in ENDED for each in found)

    def _check_name(self, customer: Customer) -> None:
        name = customer.terms.external_id
        if name and any(each.terms.external_id == name and each.id != customer.id for each in self.rows.values()):
            raise ExternalIdTaken("taken")
