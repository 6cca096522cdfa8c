"""A tenant with a frozen clock, driven through the services' own RPCs."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from billing.common.v1.clock_service_pb2 import GetClockRequest, SetClockRequest
from billing.invoicing.v1.billing_run_pb2 import BILLING_RUN_STATE_COMPLETE, BillingRun, InvoiceMode
from billing.invoicing.v1.billing_runs_service_pb2 import GetBillingRunRequest, RunBillingRequest
from billing.invoicing.v1.invoice_pb2 import Invoice
from billing.invoicing.v1.invoices_service_pb2 import GetInvoiceRequest, ListInvoicesRequest
from billing.payments.v1.payment_pb2 import Payment
from billing.payments.v1.payments_service_pb2 import ListPaymentsRequest
from billing_devstack import keys as issuer
from billing_kernel.ids import uuid7
from billing_runtime.events import Received
from billing_runtime.keys import read_signing_key
from billing_runtime.service_token import mint_service_token
from google.protobuf.timestamp_pb2 import Timestamp

from tests.scenarios.callers import Caller
from tests.scenarios.servers import NAMES, Servers

INVOICE_MODE_FINAL = InvoiceMode.INVOICE_MODE_FINAL
INVOICE_MODE_DRAFT = InvoiceMode.INVOICE_MODE_DRAFT
STEPS_MAX = 1000
Feed = Callable[[datetime], Awaitable[None]]


@dataclass
class World:
    """One tenant. `admin` is a billing admin, `peer` the invoicing service; time stands until a test moves it."""

    servers: Servers
    tenant_id: UUID
    admin: Caller
    peer: Caller
    now: datetime

    @classmethod
    async def start(cls, servers: Servers, now: datetime) -> "World":
        """A new tenant whose clock stands at `now` in every service."""
        tenant_id = uuid7()
        key = read_signing_key(str(servers.keys.service_key("invoicing")), str(servers.keys.service_jwks))
        peer = Caller(
            servers,
            lambda service: mint_service_token(
                key, audience=service, tenant_id=tenant_id, actor="user:alice", cause="scenario"
            ),
        )
        world = cls(servers, tenant_id, caller(servers, tenant_id), peer, now)
        await world._set_clocks(now, create=True)
        return world

    def customer(self, customer_id: str) -> Caller:
        """The customer of this id, who sees its own records."""
        return caller(self.servers, self.tenant_id, "customer", customer_id)

    def viewer(self) -> Caller:
        return caller(self.servers, self.tenant_id, "billing_viewer")

    async def move_to(self, instant: datetime) -> None:
        """Nothing but the clocks."""
        self.now = instant
        await self._set_clocks(instant)

    async def settle(self) -> None:
        await self.servers.settle()

    async def bill(self, as_of: datetime | None = None, mode: InvoiceMode.ValueType = INVOICE_MODE_FINAL) -> BillingRun:
        """Bills all that is due and lets everything settle, the payments too. The run is complete."""
        request = RunBillingRequest(as_of=stamp(as_of or self.now), mode=mode)
        run = (await self.admin.runs.RunBilling(request)).run
        await self.settle()
        run = (await self.admin.runs.GetBillingRun(GetBillingRunRequest(run_id=run.run_id))).run
        assert run.state == BILLING_RUN_STATE_COMPLETE, run
        return run

    async def play(self, until: datetime, feed: Feed | None = None) -> None:
        """Moves from due instant to due instant, as a clock that never sleeps would; `feed(now)` comes before what is
        due there."""
        for _ in range(STEPS_MAX):
            renewal, attempt = [await self.next_due(service) for service in ("subscriptions", "payments")]
            at = min(until, max(self.now, min(renewal or until, attempt or until)))
            await self.move_to(at)
            if feed is not None:
                await feed(at)
            if renewal is not None and renewal <= at:
                await self.bill()
            await self.settle()
            if at == until:
                return
        raise AssertionError(f"not there after {STEPS_MAX} steps")

    async def next_due(self, service: str) -> datetime | None:
        """When something of this service falls due next."""
        clock = await self.peer.clocks[service].GetClock(GetClockRequest())
        return instant(clock.next_due_time) if clock.HasField("next_due_time") else None

    async def invoices(self, customer_id: str = "") -> list[Invoice]:
        """With their lines, in order of their dates and numbers."""
        request = ListInvoicesRequest(customer_id=customer_id, page_size=1000)
        listed = (await self.admin.invoices.ListInvoices(request)).invoices
        whole = await asyncio.gather(*(self.invoice(each.invoice_id) for each in listed))
        return sorted(whole, key=lambda each: (each.invoice_time.ToNanoseconds(), each.number))

    async def invoice(self, invoice_id: str) -> Invoice:
        return (await self.admin.invoices.GetInvoice(GetInvoiceRequest(invoice_id=invoice_id))).invoice

    async def payments(self, customer_id: str = "", invoice_id: str = "") -> list[Payment]:
        """In order of creation."""
        request = ListPaymentsRequest(customer_id=customer_id, invoice_id=invoice_id, page_size=1000)
        return list((await self.admin.payments.ListPayments(request)).payments)

    async def broken_rules(self) -> dict[str, int]:
        return await self.servers.broken_rules(self.tenant_id)

    def events(self, kind: str = "") -> Sequence[Received]:
        """What this tenant's services told, in order of delivery; `kind` is the last part of the type."""
        told = (event for event in self.servers.mesh.delivered if event.tenant_id == self.tenant_id)
        return [event for event in told if event.type.endswith(f".{kind}") or not kind]

    async def _set_clocks(self, to: datetime, *, create: bool = False) -> None:
        request = SetClockRequest(now=stamp(to), create=create)
        await asyncio.gather(*(self.peer.clocks[name].SetClock(request) for name in NAMES))


def caller(servers: Servers, tenant_id: UUID, role: str = "billing_admin", customer_id: str | None = None) -> Caller:
    """A person of the tenant."""
    token = issuer.mint_user_token(servers.keys, role, tenant_id, "alice", customer_id)
    return Caller(servers, lambda _service: token)


def stamp(instant: datetime) -> Timestamp:
    made = Timestamp()
    made.FromDatetime(instant)
    return made


def instant(timestamp: Timestamp) -> datetime:
    return timestamp.ToDatetime(tzinfo=UTC)
