"""Reads that are answered from caches: what customers are granted, plan versions, names, and the tenant's clock.

Values are read for the whole tenant. A caller of role customer is checked on the way out: what is not its own does not
exist for it.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID, uuid4

from billing_kernel.errors import DomainError
from billing_runtime import clock
from billing_runtime.cache import Caches, Codec
from billing_runtime.cache_triggers import key_of_text
from billing_runtime.call import Call, Role, current_call
from billing_runtime.database import Database
from billing_runtime.transaction import Transaction

from billing_subscriptions.domain.catalog_errors import PriceNotFound
from billing_subscriptions.domain.entitlement import CustomerGrants
from billing_subscriptions.domain.errors import CustomerNotFound, PlanVersionNotFound, SubscriptionNotFound
from billing_subscriptions.domain.plan import PlanVersion, PlanVersionState
from billing_subscriptions.domain.price import SoldPrice
from billing_subscriptions.operations.check_entitlement import Subject
from billing_subscriptions.storage.grants import grants_from_json, grants_to_json, read_grants
from billing_subscriptions.storage.plan_rows import (
    plan_item_from_json,
    plan_item_to_json,
    version_from_row,
    version_to_row,
)
from billing_subscriptions.storage.prices import PostgresPrices
from billing_subscriptions.storage.statements import row

_CUSTOMER_NAMED = "SELECT customer_id FROM customer WHERE external_id = %s"
_SUBSCRIPTION_NAMED = "SELECT customer_id, subscription_id FROM subscription WHERE external_id = %s"
_OWNER = "SELECT customer_id, subscription_id FROM subscription WHERE subscription_id = %s"
_VERSION = "SELECT * FROM plan_version WHERE plan_version_id = %s"
_INSTANTS = ("created_at", "published_at", "effective_at", "archived_at")
_IDS = ("plan_version_id", "plan_id")
VERSIONS_MAX = 2000
PRICES_MAX = 5000

uuid_text: Callable[[UUID], str] = lru_cache(10_000)(str)


@dataclass(frozen=True, slots=True)
class Clock:
    """The tenant's test clock; None for wall time."""

    at: datetime | None


class CachedReads:
    """The port Grants, and plan versions by id. For calls being served."""

    def __init__(self, caches: Caches, database: Database) -> None:
        self._database = database
        grants = Codec(grants_to_json, grants_from_json)
        versions = Codec(version_to_json, version_from_json)
        self._clocks = caches.cache("clock", self._read_clock, ["tenant_clock.tenant_id"])
        self._grants = caches.cache("grants", self._read_grants, ["subscription.customer_id"], grants)
        self._versions = caches.cache(
            "plan_version", self._read_version, ["plan_version.plan_version_id"], versions, size_max=VERSIONS_MAX
        )
        prices = Codec(price_to_json, price_from_json)
        self._prices = caches.cache("price", self._read_price, ["price.price_id"], prices, size_max=PRICES_MAX)
        self._customers = caches.cache(
            "customer_name", self._read_customer, ["customer.external_id"], token=key_of_text
        )
        self._subscriptions = caches.cache(
            "subscription_name", self._read_subscription, ["subscription.external_id"], token=key_of_text
        )
        self._owners = caches.cache("subscription_owner", self._read_owner, [])

    async def now(self) -> datetime:
        call = current_call()
        if call.effective_at is not None:
            return call.effective_at
        key = uuid_text(call.tenant_id)
        found = self._clocks.peek(call.tenant_id, key) or await self._clocks.get(call.tenant_id, key)
        return found.at or datetime.now(UTC)

    async def grants(self, customer_id: UUID) -> CustomerGrants:
        """Raises CustomerNotFound."""
        call = current_call()
        if call.role is Role.CUSTOMER and call.customer_id != customer_id:
            raise CustomerNotFound("there is no such customer")
        key = uuid_text(customer_id)
        return self._grants.peek(call.tenant_id, key) or await self._grants.get(call.tenant_id, key)

    async def version(self, version_id: UUID) -> PlanVersion:
        """Raises PlanVersionNotFound. A draft is read anew: whoever writes on it wants to see what was written."""
        call, key = current_call(), uuid_text(version_id)
        found = await self._versions.get(call.tenant_id, key)
        if found.state is not PlanVersionState.DRAFT:
            return found
        if call.role is Role.CUSTOMER:
            raise PlanVersionNotFound("there is no such plan version")
        return await self._read_version(call.tenant_id, key)

    async def price(self, price_id: UUID) -> SoldPrice:
        """Raises PriceNotFound."""
        call = current_call()
        found = await self._prices.get(call.tenant_id, uuid_text(price_id))
        if call.role is Role.CUSTOMER and found.plan_version_id is not None:
            try:
                await self.version(found.plan_version_id)
            except PlanVersionNotFound as missing:
                raise PriceNotFound("there is no such price") from missing
        return found

    async def customer_named(self, external_id: str) -> Subject:
        """Raises CustomerNotFound."""
        return await self._customers.get(current_call().tenant_id, external_id)

    async def subscription_named(self, external_id: str) -> Subject:
        """Raises SubscriptionNotFound."""
        return _own(await self._subscriptions.get(current_call().tenant_id, external_id))

    async def subscription(self, subscription_id: UUID) -> Subject:
        """Raises SubscriptionNotFound."""
        return _own(await self._owners.get(current_call().tenant_id, uuid_text(subscription_id)))

    async def _read_clock(self, tenant_id: UUID, _key: str) -> Clock:
        async with self._database.read(_reader(tenant_id)) as tx:
            return Clock(await clock.read(tx.raw, tenant_id))

    async def _read_grants(self, tenant_id: UUID, key: str) -> CustomerGrants:
        async with self._database.read(_reader(tenant_id)) as tx:
            return await read_grants(tx, UUID(key))

    async def _read_version(self, tenant_id: UUID, key: str) -> PlanVersion:
        async with self._database.read(_reader(tenant_id)) as tx:
            return version_from_row(await _found(tx, _VERSION, UUID(key), PlanVersionNotFound))

    async def _read_price(self, tenant_id: UUID, key: str) -> SoldPrice:
        async with self._database.read(_reader(tenant_id)) as tx:
            return await PostgresPrices(tx).get(UUID(key))

    async def _read_customer(self, tenant_id: UUID, key: str) -> Subject:
        async with self._database.read(_reader(tenant_id)) as tx:
            return Subject(**await _found(tx, _CUSTOMER_NAMED, key, CustomerNotFound))

    async def _read_subscription(self, tenant_id: UUID, key: str) -> Subject:
        async with self._database.read(_reader(tenant_id)) as tx:
            return Subject(**await _found(tx, _SUBSCRIPTION_NAMED, key, SubscriptionNotFound))

    async def _read_owner(self, tenant_id: UUID, key: str) -> Subject:
        async with self._database.read(_reader(tenant_id)) as tx:
            return Subject(**await _found(tx, _OWNER, UUID(key), SubscriptionNotFound))


def _reader(tenant_id: UUID) -> Call:
    return Call(tenant_id=tenant_id, actor="job:cache", role=Role.SERVICE, correlation_id=uuid4().hex)


async def _found(tx: Transaction, query: str, key: object, missing: type[DomainError]) -> dict[str, Any]:
    found = await row(tx, query, key)
    if found is None:
        raise missing("there is none with this id")
    return found


def _own(found: Subject) -> Subject:
    """A subscription of another customer does not exist for a caller of role customer."""
    call = current_call()
    if call.role is Role.CUSTOMER and call.customer_id != found.customer_id:
        raise SubscriptionNotFound("there is no such subscription")
    return found


def version_to_json(version: PlanVersion) -> bytes:
    return json.dumps(version_to_row(version), default=_plain).encode()


def version_from_json(raw: bytes) -> PlanVersion:
    """Raises ValueError for bytes that are none."""
    try:
        found = json.loads(raw)
        for name in _INSTANTS:
            found[name] = datetime.fromisoformat(found[name]) if found[name] else None
        for name in _IDS:
            found[name] = UUID(found[name])
        return version_from_row(found)
    except (KeyError, TypeError, AttributeError, DomainError) as error:
        raise ValueError("not a plan version") from error


def price_to_json(price: SoldPrice) -> bytes:
    owners = [price.plan_version_id, price.add_on_version_id]
    written = [price.id, price.currency, plan_item_to_json(price.item), *owners]
    return json.dumps(written, default=str).encode()


def price_from_json(raw: bytes) -> SoldPrice:
    """Raises ValueError for bytes that are none."""
    try:
        price_id, currency, item, *owners = json.loads(raw)
        version_id, add_on_id = (UUID(each) if each else None for each in owners)
        return SoldPrice(UUID(price_id), currency, plan_item_from_json(item, currency), version_id, add_on_id)
    except (KeyError, TypeError, AttributeError, DomainError) as error:
        raise ValueError("not a price") from error


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
