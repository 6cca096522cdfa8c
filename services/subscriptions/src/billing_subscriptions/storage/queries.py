"""Plain reads behind the Reads port: no lock. The hot ones (by id) are prepared statements below SQLAlchemy."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from billing_runtime.transaction import Transaction
from sqlalchemy import ColumnElement, Select, and_, select

from billing_subscriptions.domain.customer import Customer, CustomerState, Party
from billing_subscriptions.domain.errors import (
    CustomerNotFound,
    PlanNotFound,
    PlanVersionNotFound,
    SubscriptionNotFound,
)
from billing_subscriptions.domain.history import ChangeRecord
from billing_subscriptions.domain.plan import Plan, PlanVersion
from billing_subscriptions.domain.subscription import State, Subscription
from billing_subscriptions.operations.ports import PartyKey
from billing_subscriptions.storage import tables
from billing_subscriptions.storage.add_ons import PostgresAddOns
from billing_subscriptions.storage.catalogue import PostgresCatalogue
from billing_subscriptions.storage.coupons import PostgresCoupons
from billing_subscriptions.storage.hierarchy import payers_of
from billing_subscriptions.storage.history import entries_of, row_as_of
from billing_subscriptions.storage.mapping import customer_from_row, party_from_row
from billing_subscriptions.storage.named import features_of, products_of
from billing_subscriptions.storage.payment_methods import PostgresPaymentMethods
from billing_subscriptions.storage.plan_rows import plan_from_row, version_from_row
from billing_subscriptions.storage.plans import SELECT_PLAN, PostgresPlans
from billing_subscriptions.storage.prices import PostgresPrices
from billing_subscriptions.storage.statements import row, rows
from billing_subscriptions.storage.subscription_rows import subscription_from_row

_PARTY = """p.name AS party_name, p.company, p.email, p.line1, p.line2, p.city, p.postal_code,
p.region AS party_region, p.country AS party_country"""
_CUSTOMER = f"""
SELECT c.*, {_PARTY} FROM customer AS c JOIN party AS p ON p.party_id = c.party_id AND p.version = c.party_version
WHERE c.customer_id = %s
"""
_PARTIES = f"""
SELECT p.party_id, p.version, {_PARTY} FROM unnest(%s::uuid[], %s::int4[]) AS wanted(party_id, version)
JOIN party AS p ON p.party_id = wanted.party_id AND p.version = wanted.version
"""
_PLAN = f"{SELECT_PLAN} WHERE p.plan_id = %s"
_PLANS = f"""{SELECT_PLAN}
WHERE (%s::text IS NULL OR p.code = %s) AND (%s OR p.archived_at IS NULL) AND (%s::uuid IS NULL OR p.plan_id > %s)
ORDER BY p.plan_id LIMIT %s
"""
_VERSION = "SELECT * FROM plan_version WHERE plan_version_id = %s"
_SUBSCRIPTION = "SELECT * FROM subscription WHERE subscription_id = %s"


class PostgresReads:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self.catalogue = PostgresCatalogue(tx)
        self.products = products_of(tx)
        self.features = features_of(tx)
        self.add_ons = PostgresAddOns(tx)
        self.coupons = PostgresCoupons(tx)
        self.prices = PostgresPrices(tx)
        self.payment_methods = PostgresPaymentMethods(tx)

    async def now(self) -> datetime:
        return await self._tx.now()

    async def customer(self, customer_id: UUID) -> tuple[Customer, Party]:
        found = await row(self._tx, _CUSTOMER, customer_id)
        if found is None:
            raise CustomerNotFound("there is no such customer")
        return customer_from_row(found), party_from_row(found)

    async def payers(self, customers: Mapping[UUID, Customer]) -> Mapping[UUID, Customer]:
        return await payers_of(self._tx, customers)

    async def customers(
        self, *, external_id: str, state: CustomerState | None, after: UUID | None, limit: int
    ) -> Sequence[tuple[Customer, Party]]:
        customer, party = tables.customer.c, tables.party.c
        current = and_(party.party_id == customer.party_id, party.version == customer.party_version)
        columns = (party.company, party.email, party.line1, party.line2, party.city, party.postal_code)
        renamed = (party[name].label(f"party_{name}") for name in ("name", "region", "country"))
        query = select(tables.customer, *columns, *renamed).join(tables.party, current)
        filters = [(customer.external_id, external_id or None), (customer.state, state)]
        found = await self._list(query, filters, customer.customer_id, after, limit)
        return [(customer_from_row(each), party_from_row(each)) for each in found]

    async def parties(self, wanted: Sequence[PartyKey]) -> Mapping[PartyKey, Party]:
        ids, versions = [party_id for party_id, _ in wanted], [version for _, version in wanted]
        found = await rows(self._tx, _PARTIES, ids, versions)
        return {(each["party_id"], each["version"]): party_from_row(each) for each in found}

    async def plan(self, plan_id: UUID) -> Plan:
        found = await row(self._tx, _PLAN, await self._tx.now(), plan_id)
        if found is None:
            raise PlanNotFound("there is no such plan")
        return plan_from_row(found)

    async def plans(self, *, code: str, after: UUID | None, limit: int, archived: bool = True) -> Sequence[Plan]:
        wanted = (code or None, code, archived, after, after, limit)
        return [plan_from_row(each) for each in await rows(self._tx, _PLANS, await self._tx.now(), *wanted)]

    async def latest_versions(self, codes: Iterable[str]) -> Mapping[UUID, PlanVersion]:
        return await PostgresPlans(self._tx).latest(codes)

    async def version(self, version_id: UUID) -> PlanVersion:
        found = await row(self._tx, _VERSION, version_id)
        if found is None:
            raise PlanVersionNotFound("there is no such plan version")
        return version_from_row(found)

    async def versions_of(self, plan_id: UUID, *, after: int, limit: int) -> Sequence[PlanVersion]:
        await self.plan(plan_id)
        version = tables.plan_version.c
        query = select(tables.plan_version)
        found = await self._list(query, [(version.plan_id, plan_id)], version.number, after, limit)
        return [version_from_row(each) for each in found]

    async def subscription(self, subscription_id: UUID, as_of: datetime | None = None) -> Subscription:
        found: Mapping[str, Any] | None
        if as_of is None:
            found = await row(self._tx, _SUBSCRIPTION, subscription_id)
        else:
            found = await row_as_of(self._tx, subscription_id, as_of)
        if found is None:
            raise SubscriptionNotFound("there is no such subscription" + (" at that time" if as_of else ""))
        return subscription_from_row(found)

    async def changes(self, subscription_id: UUID, *, after: int, limit: int) -> Sequence[ChangeRecord]:
        found = await entries_of(self._tx, subscription_id, after=after, limit=limit)
        if not found:
            await self.subscription(subscription_id)
        return found

    async def subscriptions(
        self, *, customer_id: UUID | None, state: State | None, external_id: str, after: UUID | None, limit: int
    ) -> Sequence[Subscription]:
        table = tables.subscription.c
        filters = [(table.customer_id, customer_id), (table.state, state), (table.external_id, external_id or None)]
        found = await self._list(select(tables.subscription), filters, table.subscription_id, after, limit)
        return [subscription_from_row(each) for each in found]

    async def _list(
        self,
        query: Select[Any],
        filters: Sequence[tuple[ColumnElement[Any], object]],
        key: ColumnElement[Any],
        after: object,
        limit: int,
    ) -> Sequence[Mapping[Any, Any]]:
        """Rows that equal every filter that is given, in order of `key`, behind `after`."""
        wanted = [column == value for column, value in filters if value is not None]
        if after is not None:
            wanted.append(key > after)
        found = await self._tx.conn.execute(query.where(*wanted).order_by(key).limit(limit))
        return [dict(each) for each in found.mappings()]
