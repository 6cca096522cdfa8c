"""What the operations need of the service's own database; other services are in `peer_ports`."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol, TypeVar
from uuid import UUID

from billing_invoicing.domain.account_credit import Account, Accounts, Entry, Standing
from billing_invoicing.domain.credits import Repaired
from billing_invoicing.domain.due import Due, Refusal, Settlement
from billing_invoicing.domain.events import InvoicingEvent
from billing_invoicing.domain.invoice import AppliedPayment, Invoice, State
from billing_invoicing.domain.numbering import Series
from billing_invoicing.domain.printing import PrintedSeller
from billing_invoicing.domain.run import Mode, Run, Tally
from billing_invoicing.domain.seller import Party, Seller
from billing_invoicing.domain.test_clock import TestClock

Answer = TypeVar("Answer", bound=Any)
PartyVersion = tuple[UUID, int]
Amount = tuple[UUID, int]


class Sellers(Protocol):
    """Sellers and the printed copies of their versions."""

    async def every(self) -> Mapping[UUID, Seller]:
        """All sellers of the tenant; they are few."""

    async def get(self, seller_id: UUID) -> Seller:
        """Raises SellerNotFound."""

    async def lock(self, seller_id: UUID) -> Seller:
        """Raises SellerNotFound."""

    async def lock_all(self) -> None:
        """Until the end no other transaction makes a seller of this tenant."""

    async def any(self) -> bool: ...

    async def insert(self, seller: Seller) -> None:
        """Raises NumberPrefixTaken."""

    async def save(self, seller: Seller) -> None: ...

    async def printed(self, seller_id: UUID, version: int) -> PrintedSeller:
        """The copy of that version."""


class Parties(Protocol):
    """Frozen copies of the parties of customers: personal data, by version."""

    async def missing(self, wanted: Sequence[PartyVersion]) -> list[PartyVersion]:
        """Those without a copy, each once."""

    async def keep(self, copies: Mapping[PartyVersion, Party], owners: Mapping[UUID, UUID]) -> None:
        """Adds copies; `owners` names the customer of each party. One that is there stays."""

    async def get(self, party_id: UUID, version: int) -> Party | None: ...


class Invoices(Protocol):
    """Invoices with their lines."""

    async def lock(self, invoice_id: UUID, *, lines: bool = False) -> Invoice:
        """Raises InvoiceNotFound. Without `lines` there are none on it."""

    async def lock_many(self, invoice_ids: Sequence[UUID]) -> Mapping[UUID, Invoice]:
        """Those that exist, without lines, locked in one order."""

    async def get(self, invoice_id: UUID, *, lines: bool = True) -> Invoice:
        """With lines and payments. Raises InvoiceNotFound."""

    async def insert_lines(self, invoices: Sequence[Invoice]) -> None:
        """Lines, the charges they hold and the credits they give. Raises UniqueViolated where a charge is on an invoice
        already, NotCaughtUp where another credit of the same line was faster or its invoice was just voided."""

    async def insert(self, invoices: Sequence[Invoice]) -> None: ...

    async def finalize(self, invoice: Invoice) -> None:
        """Writes a draft as it became final."""

    async def save(self, invoices: Sequence[Invoice]) -> None:
        """Writes what may change on a final invoice: state, payment, labels."""

    async def free_charges(self, invoice_id: UUID) -> None:
        """The charges of a void invoice may be billed again."""

    async def invoiced(self, charge_ids: Sequence[UUID]) -> Mapping[UUID, UUID]:
        """Charge -> the invoice it is on, for those that are on one."""

    async def lines_of(self, charge_ids: Sequence[UUID]) -> Mapping[UUID, Repaired]:
        """Charge -> its line on an invoice that is not void, with the credits that were given of it."""

    async def credited_elsewhere(self, invoice_id: UUID) -> bool:
        """Whether another invoice that is not void gives back a line of this one."""

    async def lock_of_subscription(self, subscription_id: UUID) -> list[Invoice]:
        """All of them with their lines, the latest first."""

    async def apply(self, invoice: Invoice, payment: AppliedPayment) -> bool:
        """Records that `payment` was applied; False when it was recorded before."""

    async def tried(self, invoice_ids: Sequence[UUID], at: datetime) -> None:
        """Notes that collection was tried at least once."""

    async def untried(self) -> bool:
        """Whether an open invoice that is to be charged still waits for its first attempt."""


class AccountCredits(Protocol):
    """What customers have in credit, by currency."""

    async def lock(self, wanted: Collection[Account], make: Collection[Account]) -> Accounts:
        """Those of `wanted` that have a balance and all of `make`, locked in one order until the end."""

    async def add(self, entries: Sequence[Entry]) -> None:
        """Writes the entries and the balances after them."""

    async def get(self, account: Account) -> Standing | None:
        """None where the customer has neither an invoice nor credit."""


class Numbers(Protocol):
    """Number series, one counter a seller and series and year."""

    async def lock(self, seller_id: UUID, series: str) -> Series:
        """Where the series stands; nobody else takes a number of it until the end."""

    async def save(self, seller_id: UUID, series: str, stand: Series) -> None: ...


class Dues(Protocol):
    """What became of dues, and those that wait for help."""

    async def settled(self, due_ids: Sequence[UUID]) -> Mapping[UUID, Settlement]: ...

    async def settle(self, settlements: Sequence[Settlement], at: datetime) -> None:
        """Raises UniqueViolated where a due is settled already."""

    async def resettle(self, settlement: Settlement, at: datetime) -> None:
        """A parked due became something else."""

    async def park(self, parked: Sequence[tuple[Due, Refusal]], at: datetime) -> None: ...

    async def parked(self, due_id: UUID) -> Due | None: ...

    async def unpark(self, due_id: UUID) -> bool:
        """Takes the due out of the parked ones; False when it is not among them."""


class Runs(Protocol):
    """Billing runs."""

    async def insert(self, run: Run) -> None: ...

    async def get(self, run_id: UUID) -> Run:
        """Raises BillingRunNotFound."""

    async def lock(self, run_id: UUID) -> Run:
        """Raises BillingRunNotFound."""

    async def save(self, run: Run) -> None: ...

    async def tally(self, run_id: UUID) -> Tally: ...

    async def modes(self, run_ids: Sequence[UUID]) -> Mapping[UUID, Mode]:
        """The modes of the runs that are known."""


class ClockRows(Protocol):
    """The test clock of the tenant."""

    async def get(self) -> TestClock | None: ...

    async def lock(self) -> TestClock | None: ...

    async def insert(self, clock: TestClock) -> None: ...

    async def save(self, clock: TestClock) -> None: ...


class UnitOfWork(Protocol):
    """One transaction of one tenant. What was read with a lock stays as it is until the end."""

    @property
    def sellers(self) -> Sellers: ...
    @property
    def parties(self) -> Parties: ...
    @property
    def invoices(self) -> Invoices: ...
    @property
    def credits(self) -> AccountCredits: ...
    @property
    def numbers(self) -> Numbers: ...
    @property
    def dues(self) -> Dues: ...
    @property
    def runs(self) -> Runs: ...
    @property
    def test_clocks(self) -> ClockRows: ...

    async def now(self) -> datetime:
        """Business time, aware."""

    async def publish(self, *events: InvoicingEvent, cause: Any = None) -> None:
        """Commits with the change. `cause` is the event that led to it, where a batch holds several."""

    async def answer(self, response: Answer) -> Answer:
        """Keeps the answer for a repeated request, with the commit; returns it."""


@dataclass(frozen=True, slots=True)
class InvoiceFilter:
    """None: not limited by this."""

    customer_id: UUID | None = None
    subscription_id: UUID | None = None
    run_id: UUID | None = None
    state: State | None = None


class ParkedDue(NamedTuple):
    """A due that waits for help, as a list shows it."""

    due_id: UUID
    run_id: UUID | None
    subscription_id: UUID
    customer_id: UUID
    reason: str
    message: str
    parked_at: datetime


class Reads(UnitOfWork, Protocol):
    """A read-only transaction: what operations read, and the lists, in order of creation, behind `after`."""

    async def list_sellers(self, *, after: UUID | None, limit: int) -> list[Seller]: ...

    async def list_invoices(self, wanted: InvoiceFilter, *, after: UUID | None, limit: int) -> list[Invoice]:
        """Without lines."""

    async def parties_of(self, invoices: Sequence[Invoice]) -> Mapping[UUID, Party]:
        """Invoice -> the frozen copy of its customer; drafts have none."""

    async def list_credit_entries(
        self, customer_id: UUID | None, currency: str, *, after: UUID | None, limit: int
    ) -> list[Entry]:
        """Not limited by None or an empty `currency`."""

    async def list_runs(self, *, after: UUID | None, limit: int) -> list[tuple[Run, Tally]]: ...

    async def list_parked(self, *, after: tuple[datetime, UUID] | None, limit: int) -> list[ParkedDue]:
        """The oldest first; `after` is (time of parking, due)."""


Begin = Callable[[], AbstractAsyncContextManager[UnitOfWork]]
Read = Callable[[], AbstractAsyncContextManager[Reads]]
