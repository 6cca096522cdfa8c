"""A payments service without servers: its database, two gateways, and the steps that a test takes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from billing_kernel.ids import uuid7
from billing_kernel.money import Money
from billing_payments.config import PaymentsSettings
from billing_payments.domain.attempt import AttemptState, ChargeOrder, Outcome
from billing_payments.domain.errors import GatewayUnclear, UnknownToken
from billing_payments.domain.payment import Payment
from billing_payments.domain.payment_method import MethodDraft, PaymentMethod
from billing_payments.main import collector_of, gateways_of
from billing_payments.operations.collect import Collector
from billing_payments.operations.create_payment_method import attach_token, create_payment_method
from billing_payments.operations.make_due_attempts import Made, make_due_attempts
from billing_payments.operations.open_payments import Collectable, open_payments
from billing_payments.operations.ports import AttachedToken
from billing_payments.storage.queries import reads_of
from billing_payments.storage.tables import sandbox_charge
from billing_payments.storage.unit_of_work import PostgresUnitOfWork
from billing_runtime import clock
from billing_runtime.call import Call, calling
from billing_runtime.database import Database
from billing_testkit.tenants import admin_call
from sqlalchemy import func, select, text

START = datetime(2026, 1, 1, tzinfo=UTC)
OWN = PaymentsSettings()


class Crash(BaseException):
    """What a kill looks like from inside: nothing catches it."""


@dataclass
class FakeGateway:
    """The port `Gateway` in memory. `script`: token -> what each next charge does; the last one is repeated."""

    script: dict[str, list[Outcome | Exception]] = field(default_factory=dict)
    book: dict[UUID, tuple[ChargeOrder, Outcome]] = field(default_factory=dict)
    charges: list[ChargeOrder] = field(default_factory=list)
    gate: asyncio.Event | None = None
    entered: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    deaf: bool = False

    async def attach(self, token: str) -> AttachedToken:
        if token not in self.script:
            raise UnknownToken("not scripted")
        return AttachedToken(token, "Fake")

    async def charge(self, order: ChargeOrder) -> Outcome:
        self.charges.append(order)
        self.entered.release()
        if self.gate is not None:
            await self.gate.wait()
        kept = self.book.get(order.attempt_id)
        if kept is not None and kept[0] != order:
            raise GatewayUnclear("other order")
        if kept is not None:
            return kept[1]
        steps = self.script[order.token]
        step = steps.pop(0) if len(steps) > 1 else steps[0]
        outcome = step if isinstance(step, Outcome) else Outcome(AttemptState.SUCCEEDED, "fake")
        if not isinstance(step, ConnectionError):
            self.book[order.attempt_id] = (order, outcome)
        if isinstance(step, Exception):
            raise step
        return outcome

    async def query(self, attempt_id: UUID) -> Outcome | None:
        if self.deaf:
            raise GatewayUnclear("deaf")
        kept = self.book.get(attempt_id)
        if kept is None:
            return None
        if kept[1].state is AttemptState.REQUIRES_ACTION:
            self.book[attempt_id] = (kept[0], replace(kept[1], state=AttemptState.SUCCEEDED))
        return self.book[attempt_id][1]

    async def captures(self, payment_id: UUID) -> int:
        kept = [outcome for order, outcome in self.book.values() if order.payment_id == payment_id]
        return sum(outcome.state is AttemptState.SUCCEEDED for outcome in kept)


@dataclass
class Service:
    """One tenant's view of the service; every step is one that production takes."""

    database: Database
    call: Call
    fake: FakeGateway
    collector: Collector

    def at(self, instant: datetime) -> Call:
        return replace(self.call, effective_at=instant)

    async def in_transaction(self, work: Callable[[PostgresUnitOfWork], Any], call: Call | None = None) -> Any:
        call = call or self.at(START)
        with calling(call):
            async with self.database.begin(call) as tx:
                return await work(PostgresUnitOfWork(tx))

    async def attach(
        self, token: str = "tok_succeeds", customer: UUID | None = None, gateway: str = "sandbox", **more: Any
    ) -> PaymentMethod:
        draft = MethodDraft(customer or uuid7(), gateway, token, **more)
        attached = await attach_token(self.collector.gateways, draft)
        return await self.in_transaction(lambda uow: create_payment_method(uow, draft, attached))

    async def open(self, customer: UUID, at: datetime = START, amount: int = 4900) -> Payment:
        """A payment that is due at `at`."""
        invoice = Collectable(uuid7(), customer, (uuid7(),), Money("EUR", amount), 1, at)
        await self.in_transaction(lambda uow: open_payments(uow, [invoice]), self.at(at))
        return await self.payment_of(invoice.invoice_id)

    async def due(self, token: str = "tok_succeeds", gateway: str = "sandbox", at: datetime = START) -> Payment:
        """A payment of a new customer with this token, due at `at`."""
        return await self.open((await self.attach(token, gateway=gateway)).customer_id, at)

    async def attempt(self, at: datetime = START, **changes: Any) -> Made:
        with calling(self.call):
            return await make_due_attempts(replace(self.collector, **changes), as_of=at)

    async def get(self, payment: Payment) -> Payment:
        with calling(self.call):
            async with reads_of(self.database)() as reads:
                return await reads.get_payment(payment.id)

    async def payment_of(self, invoice_id: UUID) -> Payment:
        found = await self.payments(invoice_id)
        assert len(found) == 1
        return found[0]

    async def payments(self, invoice_id: UUID | None = None) -> list[Payment]:
        with calling(self.call):
            async with reads_of(self.database)() as reads:
                wanted = {"customer_id": None, "state": None, "after": None, "limit": 1000}
                return list(await reads.list_payments(invoice_id=invoice_id, **wanted))

    async def captures(self, payment: Payment) -> int:
        """By the sandbox's own book."""
        captured = sandbox_charge.c.captured_at.is_not(None) & (sandbox_charge.c.payment_id == payment.id)
        async with self.database.read(self.call) as tx:
            query = select(func.count()).select_from(sandbox_charge).where(captured)
            return (await tx.conn.execute(query)).scalar_one()

    async def told(self) -> list[str]:
        """Types of the events in the outbox, in order."""
        async with self.database.read(self.call) as tx:
            found = await tx.conn.execute(text("SELECT type FROM outbox ORDER BY id"))
            return [name.rpartition(".")[2] for name in found.scalars()]

    async def abandon(self) -> None:
        """As if whoever works on attempts had died long ago."""
        async with self.database.begin(self.call) as tx:
            await tx.conn.execute(text("UPDATE payment_attempt SET held_until = clock_timestamp() - interval '1 hour'"))

    async def test_clock(self, now: datetime) -> None:
        async with self.database.begin(self.call) as tx:
            await clock.create_test_clock(tx, now)
            await clock.advance(tx, now)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def payments_database(service_database: Callable[..., Any]) -> AsyncIterator[Database]:
    opened = Database.open(service_database("payments", "billing_payments").database_url, pool_max=10)
    yield opened
    await opened.close()


@pytest.fixture
def fake() -> FakeGateway:
    """The gateway named "fake"; its tokens are those of its script."""
    return FakeGateway({"ok": [Outcome(AttemptState.SUCCEEDED, "fake")]})


@pytest.fixture
def payments(payments_database: Database, tenant_id: UUID, fake: FakeGateway) -> Service:
    """The service for a tenant of its own."""
    gateways = {**gateways_of(payments_database), "fake": fake}
    return Service(payments_database, admin_call(tenant_id), fake, collector_of(payments_database, gateways, OWN))


@pytest.fixture(scope="session")
def crash() -> type[BaseException]:
    return Crash


@pytest.fixture(scope="session")
def day() -> Callable[[float], datetime]:
    """day(0) is the start of 2026, day(3) three days later."""
    return lambda days: START + timedelta(days=days)
