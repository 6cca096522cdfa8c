"""What the operations need of the world."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar
from uuid import UUID

from billing_payments.domain.attempt import ChargeOrder, Outcome
from billing_payments.domain.events import Event
from billing_payments.domain.payment import Payment, PaymentState
from billing_payments.domain.payment_method import PaymentMethod
from billing_payments.domain.sandbox import Entry

Answer = TypeVar("Answer", bound=Any)


@dataclass(frozen=True, slots=True)
class AttachedToken:
    """A token that the gateway knows. It may hand back another one for keeping."""

    token: str = field(repr=False)
    label: str


class Gateway(Protocol):
    """A payment gateway. It is never called inside a transaction that holds our rows.

    Where it gives no clear answer it raises GatewayUnclear (or anything else): the outcome is then asked for later.
    """

    async def attach(self, token: str) -> AttachedToken:
        """Raises UnknownToken."""

    async def charge(self, order: ChargeOrder) -> Outcome:
        """Collects once for each attempt_id: the same order again gives the first outcome. Raises GatewayUnclear."""

    async def query(self, attempt_id: UUID) -> Outcome | None:
        """The outcome of an attempt; None when the gateway never heard of it. Raises GatewayUnclear.

        After the customer has authenticated it is the outcome of that.
        """


class SandboxBook(Protocol):
    """One short transaction on the sandbox gateway's own records, apart from ours."""

    async def find(self, attempt_id: UUID) -> Entry | None: ...

    async def look_up(self, order: ChargeOrder) -> tuple[Entry | None, int]:
        """The entry of the order's attempt, and how many attempts of its payment there are."""

    async def enter(self, entry: Entry) -> Entry:
        """Keeps the first entry of an attempt and returns the one that is kept."""

    async def capture(self, entry: Entry) -> None:
        """Saves that an attempt which required action has SUCCEEDED; for one that has already, nothing."""


class UnitOfWork(Protocol):
    """One transaction of one tenant. What was read with a lock stays as it is until the end."""

    async def now(self) -> datetime:
        """Business time, aware."""

    async def has_test_clock(self) -> bool: ...

    async def lock_customers(self, customer_ids: Iterable[UUID]) -> None:
        """Until the end nobody else changes which payment method is the default of these customers."""

    async def default_methods(self, customer_ids: Collection[UUID]) -> Mapping[UUID, PaymentMethod]:
        """By customer; customers without a default are missing."""

    async def methods(self, method_ids: Collection[UUID]) -> Mapping[UUID, PaymentMethod]: ...

    async def lock_method(self, method_id: UUID) -> PaymentMethod:
        """Raises PaymentMethodNotFound."""

    async def insert_method(self, method: PaymentMethod) -> None: ...

    async def save_methods(self, *methods: PaymentMethod) -> None:
        """In this order."""

    async def insert_payments(self, payments: Sequence[Payment]) -> None:
        """Passes over those whose invoice has a payment already."""

    async def lock_payment(self, payment_id: UUID) -> Payment:
        """Raises PaymentNotFound."""

    async def lock_payments(self, payment_ids: Collection[UUID]) -> Sequence[Payment]: ...

    async def lock_payments_of_invoices(self, invoice_ids: Collection[UUID]) -> Sequence[Payment]: ...

    async def lock_waiting_payments(self, customer_id: UUID) -> Sequence[Payment]:
        """Those of the customer that are scheduled without a time."""

    async def claim_due(self, as_of: datetime, limit: int, within: timedelta | None) -> Sequence[Payment]:
        """Locks payments due at or before `as_of`, oldest first, that nobody else holds.

        With `within` only those due less than so much after the first one: what they lead to falls due behind them.
        """

    async def claim_unclear(self, limit: int) -> Sequence[Payment]:
        """Locks payments whose attempt has no outcome and is held by nobody any more."""

    async def start_attempts(self, payments: Sequence[Payment]) -> None:
        """Saves the payments and inserts their latest attempts. Raises IdempotencyKeyReused for an attempt_id that
        another payment has."""

    async def save_payments(self, payments: Sequence[Payment]) -> None:
        """Saves the payments and what changed of their latest attempts."""

    async def is_due(self, as_of: datetime) -> bool:
        """Whether a payment is due at or before `as_of`."""

    async def unclear_count(self) -> int:
        """How many payments are PROCESSING or UNKNOWN."""

    async def publish(self, *events: Event, cause: Any = None) -> None:
        """Commits with the change. `cause` is what a consumer got, where that is the reason."""

    async def answer(self, response: Answer) -> Answer:
        """Keeps the answer for a repeated request, with the commit; returns it."""


class Reads(Protocol):
    """Plain reads of one tenant, without locks."""

    async def get_method(self, method_id: UUID) -> PaymentMethod:
        """Raises PaymentMethodNotFound."""

    async def list_methods(
        self, *, customer_id: UUID | None, after: UUID | None, limit: int
    ) -> Sequence[PaymentMethod]:
        """In order of creation, behind `after`."""

    async def get_payment(self, payment_id: UUID) -> Payment:
        """Raises PaymentNotFound."""

    async def list_payments(
        self,
        *,
        customer_id: UUID | None,
        invoice_id: UUID | None,
        state: PaymentState | None,
        after: UUID | None,
        limit: int,
    ) -> Sequence[Payment]:
        """In order of creation, behind `after`."""


class Queue(Protocol):
    """What waits, over all tenants."""

    async def tenants_due(self, limit: int) -> Sequence[UUID]:
        """Tenants with payments due by their own clock, else by the wall clock; the longest waiting first."""

    async def tenants_unclear(self, limit: int) -> Sequence[UUID]:
        """Tenants with attempts that have no outcome and are held by nobody any more."""


Begin = Callable[[], AbstractAsyncContextManager[UnitOfWork]]
Read = Callable[[], AbstractAsyncContextManager[Reads]]
OpenBook = Callable[[], AbstractAsyncContextManager[SandboxBook]]
