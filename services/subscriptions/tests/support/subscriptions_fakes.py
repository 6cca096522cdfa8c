"""The ports in memory. They obey the same contract suite as PostgreSQL (test_unit_of_work_contract.py)."""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from billing_subscriptions.domain.customer import Customer, Party
from billing_subscriptions.domain.errors import (
    ExternalIdTaken,
    PlanCodeTaken,
    PlanNotFound,
    PlanVersionNotFound,
    PlanVersionNotPublished,
    SubscriptionNotFound,
)
from billing_subscriptions.domain.events import BillingDue
from billing_subscriptions.domain.history import ChangeRecord, fold
from billing_subscriptions.domain.plan import Plan, PlanVersion, PlanVersionState
from billing_subscriptions.domain.policy import RunningSubscriptions
from billing_subscriptions.domain.step import AddOnOffer, Step
from billing_subscriptions.domain.subscription import ENDED, Subscription
from billing_subscriptions.operations.ports import Outcome, Settlement
from billing_subscriptions.operations.twin_ports import Claimed, TwinStep
from billing_subscriptions.storage.subscription_rows import changes
from fake_customers import FakeCustomers

Pairs = Sequence[tuple[UUID, UUID]]


@dataclass
class FakeDue:
    due: BillingDue
    published_at: datetime
    outcome: Outcome | None = None


@dataclass
class FakePlans:
    rows: dict[UUID, Plan] = field(default_factory=dict)
    version_rows: dict[UUID, PlanVersion] = field(default_factory=dict)

    async def add(self, plan: Plan) -> None:
        if any(each.code == plan.code for each in self.rows.values()):
            raise PlanCodeTaken("taken")
        self.rows[plan.id] = plan

    async def lock(self, plan_id: UUID) -> Plan:
        if plan_id not in self.rows:
            raise PlanNotFound("none")
        sold = [each for each in self.version_rows.values() if each.plan_id == plan_id and each.published_at]
        newest = max(sold, key=lambda each: each.number, default=None)
        return replace(self.rows[plan_id], current_version_id=newest.id if newest else None)

    async def save(self, plan: Plan) -> None:
        self.rows[plan.id] = plan

    async def last_number(self, plan_id: UUID) -> int:
        return max((each.number for each in self.version_rows.values() if each.plan_id == plan_id), default=0)

    async def add_version(self, version: PlanVersion) -> None:
        self.version_rows[version.id] = version

    async def save_version(self, version: PlanVersion) -> None:
        self.version_rows[version.id] = version

    async def version(self, version_id: UUID) -> PlanVersion:
        if version_id not in self.version_rows:
            raise PlanVersionNotFound("none")
        return self.version_rows[version_id]

    async def versions(self, version_ids: Iterable[UUID]) -> Mapping[UUID, PlanVersion]:
        return {each: self.version_rows[each] for each in version_ids if each in self.version_rows}


@dataclass
class FakeSubscriptions:
    """`history` is kept as PostgreSQL keeps it, so that a story may ask for any time."""

    rows: dict[UUID, Subscription] = field(default_factory=dict)
    history: dict[UUID, list[ChangeRecord]] = field(default_factory=dict)
    standings: dict[tuple[UUID, UUID], bool] = field(default_factory=dict)  # True: paid

    async def lock(self, subscription_id: UUID, version_ids: Collection[UUID] = ()) -> Subscription:
        if subscription_id not in self.rows:
            raise SubscriptionNotFound("none")
        return self.rows[subscription_id]

    async def write(self, steps: Sequence[Step], reason: str = "") -> None:
        for step in steps:
            self._check_name(step.after)
        for step in steps:
            before, after = step.before, step.after
            known = self.rows.get(after.id)
            assert (known and known.version) == (before and before.version), "a subscription changed under its lock"
            self.rows[after.id] = after
            record = ChangeRecord(
                version=after.version,
                kind=step.kind.value,
                effective_at=after.effective_at,
                recorded_at=after.updated_at,
                actor="user:alice",
                reason=reason,
                cause="",
                changed=changes(before, after),
                charge_ids=tuple(charge.id for charge in step.made),
            )
            self.history.setdefault(after.id, []).append(record)

    def as_of(self, subscription_id: UUID, at: datetime) -> dict[str, object]:
        """The columns of a subscription as they were."""
        return fold(each for each in self.history[subscription_id] if each.effective_at <= at)

    async def claim_due(self, as_of: datetime, limit: int) -> Claimed:
        due = [each for each in self.rows.values() if each.next_due_at is not None and each.next_due_at <= as_of]
        return Claimed(sorted(due, key=lambda each: (each.next_due_at, each.id))[:limit])

    async def is_due(self, as_of: datetime) -> bool:
        return bool(await self.claim_due(as_of, 1))

    async def note_unpaid(self, invoices: Pairs) -> Sequence[Subscription]:
        for pair in invoices:
            self.standings.setdefault(pair, False)
        return self._standing(invoices, unpaid=True)

    async def note_paid(self, invoices: Pairs) -> Sequence[Subscription]:
        self.standings.update(dict.fromkeys(invoices, True))
        return self._standing(invoices, unpaid=False)

    def _standing(self, invoices: Pairs, *, unpaid: bool) -> Sequence[Subscription]:
        waiting = {subscription_id for (subscription_id, _), paid in self.standings.items() if not paid}
        asked = {subscription_id for subscription_id, _ in invoices}
        found = [each for each in self.rows.values() if each.id in asked and each.state not in ENDED]
        return sorted((each for each in found if (each.id in waiting) == unpaid), key=lambda each: each.id)

    def _check_name(self, subscription: Subscription) -> None:
        name = subscription.external_id
        if name and any(each.external_id == name and each.id != subscription.id for each in self.rows.values()):
            raise ExternalIdTaken("taken")


@dataclass
class FakeDues:
    world: "FakeUnitOfWork"
    rows: dict[UUID, FakeDue] = field(default_factory=dict)

    async def add(self, dues: Sequence[BillingDue]) -> None:
        for due in dues:
            assert due.step.due is not None
            assert due.step.due.id not in self.rows, "a boundary is billed once"
            self.rows[due.step.due.id] = FakeDue(due, self.world.wall)
            self.world.events.append(due)

    async def count(self, run_id: UUID) -> int:
        return sum(each.due.run_id == run_id for each in self.rows.values())

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        for each in settlements:
            if each.due_id in self.rows:
                self.rows[each.due_id].outcome = self.rows[each.due_id].outcome or each.outcome

    async def republish(self, due_ids: Sequence[UUID], published_before: datetime) -> int:
        asked = [self.rows[each] for each in due_ids if each in self.rows]
        stale = [each for each in asked if each.outcome is None and each.published_at < published_before]
        for each in stale:
            each.published_at = self.world.wall
            self.world.events.append(each.due)
        return len(stale)


@dataclass
class FakePaymentMethods:
    known: set[tuple[UUID, UUID]] = field(default_factory=set)

    async def attach(self, methods: Pairs) -> None:
        self.known |= set(methods)

    async def detach(self, methods: Pairs) -> None:
        self.known -= set(methods)

    async def having_one(self, customer_ids: Iterable[UUID]) -> frozenset[UUID]:
        return frozenset(customer_ids) & {customer_id for customer_id, _ in self.known}


@dataclass
class FakeCatalogue:
    plans: FakePlans
    offers: dict[str, AddOnOffer] = field(default_factory=dict)

    async def versions(self, version_ids: Iterable[UUID]) -> Mapping[UUID, PlanVersion]:
        return await self.plans.versions(version_ids)

    async def sold(self, version_ids: Iterable[UUID]) -> tuple[Mapping[UUID, PlanVersion], Sequence[PlanVersion]]:
        found = await self.versions(version_ids)
        plans = {each.plan_id for each in found.values()}
        moving = [
            each
            for each in self.plans.version_rows.values()
            if each.plan_id in plans
            and each.terms.running_subscriptions is RunningSubscriptions.MOVE_AT_RENEWAL
            and each.effective_at is not None
        ]
        return found, moving

    async def newest(self, plan_ids: Iterable[UUID], at: datetime) -> Mapping[UUID, PlanVersion]:
        found: dict[UUID, PlanVersion] = {}
        for each in sorted(self.plans.version_rows.values(), key=lambda each: each.number):
            sold = each.state is PlanVersionState.PUBLISHED and each.effective_at and each.effective_at <= at
            if sold and each.plan_id in set(plan_ids):
                found[each.plan_id] = each
        return found

    async def current(self, plan_code: str, at: datetime) -> PlanVersion:
        plan = next((each for each in self.plans.rows.values() if each.code == plan_code), None)
        if plan is None:
            raise PlanNotFound("none")
        found = await self.newest([plan.id], at)
        if not found:
            raise PlanVersionNotPublished("none")
        return found[plan.id]

    async def add_ons(self, codes: Iterable[str], currency: str) -> Mapping[str, AddOnOffer]:
        return {code: self.offers[code] for code in codes if code in self.offers}

    async def plan_codes(self, plan_ids: Iterable[UUID]) -> Mapping[UUID, str]:
        return {each: self.plans.rows[each].code for each in plan_ids if each in self.plans.rows}


@dataclass
class FakeNamed:
    """Products, or features, by code."""

    rows: dict[str, Any] = field(default_factory=dict)

    async def by_codes(self, codes: Iterable[str]) -> Mapping[str, Any]:
        return {code: self.rows[code] for code in codes if code in self.rows}


class FakeTwins:
    """Nobody has twins here: all are claimed alone."""

    async def write(self, steps: Sequence[TwinStep]) -> None:
        assert not steps


class FakeUnitOfWork:
    """One tenant. `events` holds everything published, dues included; `wall` is its wall clock."""

    def __init__(self, now: datetime) -> None:
        self.time, self.wall = now, datetime.now(UTC)
        self.events: list[Any] = []
        self.customers, self.plans = FakeCustomers(self), FakePlans()
        self.subscriptions, self.dues = FakeSubscriptions(), FakeDues(self)
        self.twins = FakeTwins()
        self.products, self.features = FakeNamed(), FakeNamed()
        self.payment_methods, self.catalogue = FakePaymentMethods(), FakeCatalogue(self.plans)

    async def now(self) -> datetime:
        return self.time

    async def publish(self, *events: Any) -> None:
        self.events += events

    async def answer(self, response: Any) -> Any:
        return response

    def begin(self) -> Callable[[], Any]:
        @asynccontextmanager
        async def begin() -> AsyncIterator[FakeUnitOfWork]:
            yield self

        return begin

    def take(self) -> list[Any]:
        """What was published since the last call."""
        taken, self.events = self.events, []
        return taken

    async def seed(self, customer: Customer, party: Party, plan: Plan, version: PlanVersion) -> None:
        await self.customers.add(customer, party)
        await self.plans.add(replace(plan, current_version_id=version.id))
        await self.plans.add_version(version)
