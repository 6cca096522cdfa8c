"""What the operations need of the world: Protocols, nothing else."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeVar
from uuid import UUID

from billing_subscriptions.domain.customer import Customer, CustomerState, Party
from billing_subscriptions.domain.events import BillingDue, DomainEvent
from billing_subscriptions.domain.history import ChangeRecord
from billing_subscriptions.domain.named import Feature, Product
from billing_subscriptions.domain.plan import Plan, PlanVersion
from billing_subscriptions.domain.step import AddOnOffer, Step
from billing_subscriptions.domain.subscription import State, Subscription
from billing_subscriptions.operations.catalog_ports import AddOns, Coupons, NamedStore, Prices
from billing_subscriptions.operations.twin_ports import Claimed, TwinWriter

Answer = TypeVar("Answer")
PartyKey = tuple[UUID, int]  # id and version


class Outcome(StrEnum):
    """What became of a due."""

    INVOICED = "INVOICED"
    PARKED = "PARKED"
    NOTHING_TO_BILL = "NOTHING_TO_BILL"


@dataclass(frozen=True, slots=True)
class Settlement:
    due_id: UUID
    outcome: Outcome


class Customers(Protocol):
    async def add(self, customer: Customer, party: Party) -> None:
        """Raises ExternalIdTaken."""

    async def lock(self, customer_id: UUID) -> Customer:
        """Raises CustomerNotFound."""

    async def get_many(self, customer_ids: Iterable[UUID]) -> Mapping[UUID, Customer]: ...

    async def payers(self, customers: Mapping[UUID, Customer]) -> Mapping[UUID, Customer]:
        """Who pays for each of the customers, by the customer's id."""

    async def lock_tree(self) -> None:
        """Whoever changes who stands above whom, or who pays, takes turns; taken before any customer is locked."""

    async def line(self, customer_id: UUID) -> Sequence[Customer]:
        """The customer and those above it, nearest first; empty for an unknown one."""

    async def levels_below(self, customer_id: UUID) -> int:
        """How many customers stand one under the other below it."""

    async def pays_for(self, customer_id: UUID) -> int:
        """How many customers are billed to it."""

    async def save(self, customer: Customer, party: Party | None) -> None:
        """With `party` when the customer's party version is new. Raises ExternalIdTaken."""

    async def party(self, customer: Customer) -> Party:
        """The customer's current party."""

    async def running_subscriptions(self, customer_id: UUID) -> int: ...


class Plans(Protocol):
    async def add(self, plan: Plan) -> None:
        """Raises PlanCodeTaken."""

    async def lock(self, plan_id: UUID) -> Plan:
        """Raises PlanNotFound."""

    async def save(self, plan: Plan) -> None: ...

    async def last_number(self, plan_id: UUID) -> int:
        """Number of the plan's newest version; 0 without one."""

    async def add_version(self, version: PlanVersion) -> None: ...

    async def save_version(self, version: PlanVersion) -> None: ...

    async def replace_draft(self, version: PlanVersion) -> None:
        """With its new prices."""

    async def delete_draft(self, version_id: UUID) -> None: ...

    async def version(self, version_id: UUID) -> PlanVersion:
        """Raises PlanVersionNotFound."""

    async def versions(self, version_ids: Iterable[UUID]) -> Mapping[UUID, PlanVersion]: ...

    async def lock_by_codes(self, codes: Iterable[str]) -> Mapping[str, Plan]:
        """Archived ones too."""

    async def codes_there(self, codes: Iterable[str]) -> frozenset[str]:
        """Those that a plan has, archived ones too."""

    async def item_codes_there(self, codes: Iterable[str]) -> frozenset[str]:
        """Those that an item of any plan version has."""

    async def latest(self, codes: Iterable[str]) -> Mapping[UUID, PlanVersion]:
        """By plan: the published version with the greatest number, whether effective or not."""


class Subscriptions(Protocol):
    async def lock(self, subscription_id: UUID, version_ids: Collection[UUID] = ()) -> Subscription:
        """`version_ids`: plan versions that will be asked for beside its own. Raises SubscriptionNotFound."""

    async def write(self, steps: Sequence[Step], reason: str = "") -> None:
        """Each step is one entry of the history; the row is what the last one of its subscription leaves.

        Steps of one subscription follow each other; it is locked, or new. Raises ExternalIdTaken.
        """

    async def claim_due(self, as_of: datetime, limit: int) -> Claimed:
        """Locks what is due at `as_of`, oldest due first; passes over what another transaction holds."""

    async def is_due(self, as_of: datetime) -> bool: ...

    async def note_unpaid(self, invoices: Sequence[tuple[UUID, UUID]]) -> Sequence[Subscription]:
        """(subscription, invoice) pairs whose payment failed; answers the locked subscriptions with an unpaid one."""

    async def note_paid(self, invoices: Sequence[tuple[UUID, UUID]]) -> Sequence[Subscription]:
        """Pairs that need no payment any more; answers the locked subscriptions without an unpaid one."""


class PaymentMethods(Protocol):
    """What payments tells of (customer, payment method) pairs."""

    async def attach(self, methods: Sequence[tuple[UUID, UUID]]) -> None: ...

    async def detach(self, methods: Sequence[tuple[UUID, UUID]]) -> None: ...

    async def having_one(self, customer_ids: Iterable[UUID]) -> frozenset[UUID]:
        """Those of the customers that have at least one."""


class Catalogue(Protocol):
    """What of the catalogue the life of subscriptions needs."""

    async def versions(self, version_ids: Iterable[UUID]) -> Mapping[UUID, PlanVersion]: ...

    async def sold(self, version_ids: Iterable[UUID]) -> tuple[Mapping[UUID, PlanVersion], Sequence[PlanVersion]]:
        """Versions by id, and those of their plans that move running subscriptions, in one read.

        The latter are published, also those that are sold later or were archived: a boundary chooses as of its time.
        """

    async def newest(self, plan_ids: Iterable[UUID], at: datetime) -> Mapping[UUID, PlanVersion]:
        """By plan: the published version with the highest number that is effective at `at`."""

    async def current(self, plan_code: str, at: datetime) -> PlanVersion:
        """The newest version of a plan by its code. Raises PlanNotFound, PlanVersionNotPublished."""

    async def add_ons(self, codes: Iterable[str], currency: str) -> Mapping[str, AddOnOffer]:
        """By code, those that are sold now. Raises CurrencyMismatch."""

    async def plan_codes(self, plan_ids: Iterable[UUID]) -> Mapping[UUID, str]: ...


class Dues(Protocol):
    async def add(self, dues: Sequence[BillingDue]) -> None:
        """Opens and publishes dues."""

    async def count(self, run_id: UUID) -> int:
        """Dues that a run has published."""

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        """Closes open dues; a due that is closed or unknown is passed over."""

    async def republish(self, due_ids: Sequence[UUID], published_before: datetime) -> int:
        """Publishes open dues again whose last publication is older (wall time); answers how many."""


class Shared(Protocol):
    """What a unit of work and plain reads have in common."""

    @property
    def payment_methods(self) -> PaymentMethods: ...

    @property
    def catalogue(self) -> Catalogue: ...

    @property
    def products(self) -> NamedStore[Product]: ...

    @property
    def features(self) -> NamedStore[Feature]: ...

    @property
    def add_ons(self) -> AddOns: ...

    @property
    def coupons(self) -> Coupons: ...

    @property
    def prices(self) -> Prices: ...

    async def now(self) -> datetime:
        """Business time of the tenant."""


class UnitOfWork(Shared, Protocol):
    """One transaction of one tenant. Whoever opened it commits it."""

    @property
    def customers(self) -> Customers: ...

    @property
    def plans(self) -> Plans: ...

    @property
    def subscriptions(self) -> Subscriptions: ...

    @property
    def twins(self) -> TwinWriter: ...

    @property
    def dues(self) -> Dues: ...

    async def publish(self, *events: DomainEvent) -> None: ...

    async def answer(self, response: Answer) -> Answer:
        """Keeps `response` as the answer to the call's idempotency key, and returns it."""


class Reads(Shared, Protocol):
    """Plain reads of one tenant, without locks. Lists give at most `limit` rows behind the key `after`."""

    async def customer(self, customer_id: UUID) -> tuple[Customer, Party]:
        """Raises CustomerNotFound."""

    async def payers(self, customers: Mapping[UUID, Customer]) -> Mapping[UUID, Customer]:
        """Who pays for each of the customers, by the customer's id."""

    async def customers(
        self, *, external_id: str, state: CustomerState | None, after: UUID | None, limit: int
    ) -> Sequence[tuple[Customer, Party]]: ...

    async def parties(self, wanted: Sequence[PartyKey]) -> Mapping[PartyKey, Party]: ...

    async def plan(self, plan_id: UUID) -> Plan:
        """Raises PlanNotFound."""

    async def plans(self, *, code: str, after: UUID | None, limit: int, archived: bool = True) -> Sequence[Plan]: ...

    async def latest_versions(self, codes: Iterable[str]) -> Mapping[UUID, PlanVersion]:
        """By plan: the published version with the greatest number, whether effective or not."""

    async def version(self, version_id: UUID) -> PlanVersion:
        """Raises PlanVersionNotFound."""

    async def versions_of(self, plan_id: UUID, *, after: int, limit: int) -> Sequence[PlanVersion]:
        """By number, those behind `after`. Raises PlanNotFound."""

    async def subscription(self, subscription_id: UUID, as_of: datetime | None = None) -> Subscription:
        """As it is, or as it was at `as_of` (business time). Raises SubscriptionNotFound, also before it was made."""

    async def changes(self, subscription_id: UUID, *, after: int, limit: int) -> Sequence[ChangeRecord]:
        """Its history behind version `after`, oldest first. Raises SubscriptionNotFound."""

    async def subscriptions(
        self, *, customer_id: UUID | None, state: State | None, external_id: str, after: UUID | None, limit: int
    ) -> Sequence[Subscription]: ...


Begin = Callable[[], AbstractAsyncContextManager[UnitOfWork]]
Read = Callable[[], AbstractAsyncContextManager[Reads]]


class Meters(Protocol):
    async def known(self, codes: frozenset[str]) -> frozenset[str]:
        """Those of the codes that name a meter of the tenant. Raises transient errors of the usage service."""
