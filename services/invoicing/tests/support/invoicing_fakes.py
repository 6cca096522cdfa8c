"""Fakes of the ports: the other services, the printer, as far as invoicing can tell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from uuid import UUID

from billing_invoicing.domain.document import InvoiceDocument
from billing_invoicing.domain.due import Charge, Due, Exact, LineTax, Rating, Refusal, TaxBehavior, TaxedLine
from billing_invoicing.domain.errors import SubscriptionNotFound
from billing_invoicing.domain.seller import Party, Seller
from billing_invoicing.operations.ports import PartyVersion
from billing_invoicing.operations.prepare_dues import Peers
from billing_kernel.errors import DomainError
from billing_kernel.ids import uuid7
from billing_kernel.rounding import Rounding, round_fraction
from billing_pricing import PerUnit, rate
from invoicing_builders import PARTY


@dataclass
class FakeRatings:
    """1,200 calls at 0.05 each. `refuse` by charge id; `fail` refuses every question."""

    refuse: dict[UUID, Refusal] = field(default_factory=dict)
    fail: DomainError | None = None
    asked: list[tuple[int, bool]] = field(default_factory=list)
    units: int = 1200

    async def rate(self, asked: Sequence[tuple[Due, Charge]], *, final: bool) -> Mapping[UUID, Rating | Refusal]:
        self.asked.append((len(asked), final))
        if self.fail is not None:
            raise self.fail
        return {
            charge.charge_id: self.refuse.get(charge.charge_id) or self._rating(due, final) for due, charge in asked
        }

    def _rating(self, due: Due, final: bool) -> Rating:
        rated = rate(PerUnit(Fraction(1, 20)), Fraction(self.units), due.currency)
        exact = Exact(str(rated.exact.value.numerator), str(rated.exact.value.denominator))
        return Rating(
            uuid7() if final else None,
            str(self.units),
            self.units,
            exact,
            rated.minor,
            due.currency,
            rated.explanation_json(),
        )


@dataclass
class FakeTaxes:
    """German VAT of 19 %, or of `percents` by tax category. `refuse` likewise; `fail` refuses every question."""

    refuse: dict[str, Refusal] = field(default_factory=dict)
    percents: dict[str, int] = field(default_factory=dict)
    fail: DomainError | None = None
    asked: list[int] = field(default_factory=list)

    async def tax(self, asked: Sequence[tuple[Due, Seller]]) -> Mapping[UUID, Sequence[TaxedLine] | Refusal]:
        self.asked.append(len(asked))
        if self.fail is not None:
            raise self.fail
        return {due.due_id: self._document(due) for due, _ in asked}

    def _document(self, due: Due) -> Sequence[TaxedLine] | Refusal:
        for charge in due.taxable:
            if charge.tax_category in self.refuse:
                return self.refuse[charge.tax_category]
        return tuple(_taxed(charge, self.percents.get(charge.tax_category, 19)) for charge in due.taxable)


def _taxed(charge: Charge, percent: int) -> TaxedLine:
    amount = charge.taxable_minor
    if charge.tax_behavior is TaxBehavior.INCLUSIVE:
        net = round_fraction(Fraction(amount * 100, 100 + percent), Rounding.HALF_UP)
    else:
        net = amount
    inside = charge.tax_behavior is TaxBehavior.INCLUSIVE
    tax = amount - net if inside else round_fraction(Fraction(net * percent, 100), Rounding.HALF_UP)
    named = LineTax("VAT", "DE", "", str(percent), net, tax, "CUSTOMER_PLACE", "2026-02-01", "PER_LINE", "source", "")
    return TaxedLine(net, tax, (named,))


@dataclass
class FakeParties:
    """Everybody is Anna Müller, but for `unknown` parties."""

    unknown: set[UUID] = field(default_factory=set)
    fail: DomainError | None = None
    asked: list[int] = field(default_factory=list)

    async def fetch(self, wanted: Sequence[PartyVersion]) -> Mapping[PartyVersion, Party | Refusal]:
        self.asked.append(len(wanted))
        if self.fail is not None:
            raise self.fail
        missing = Refusal("PARTY_NOT_FOUND", "no such party")
        return {version: missing if version[0] in self.unknown else PARTY for version in wanted}


@dataclass
class FakeRenewals:
    """`pages` are the answers of the next runs: (published in the run, more)."""

    pages: list[tuple[int, bool]] = field(default_factory=list)
    dues: dict[UUID, Due] = field(default_factory=dict)
    owners: dict[UUID, UUID] = field(default_factory=dict)
    fail: DomainError | None = None
    calls: list[tuple[UUID, datetime, int]] = field(default_factory=list)

    async def run(self, run_id: UUID, as_of: datetime, limit: int) -> tuple[int, bool]:
        self.calls.append((run_id, as_of, limit))
        if self.fail is not None:
            raise self.fail
        return self.pages.pop(0) if self.pages else (0, False)

    async def preview(self, subscription_id: UUID) -> Due | None:
        if subscription_id not in self.dues and subscription_id not in self.owners:
            raise SubscriptionNotFound("no such subscription")
        return self.dues.get(subscription_id)

    async def customer_of(self, subscription_id: UUID) -> UUID:
        return self.owners[subscription_id]


@dataclass
class FakeClocks:
    """`dues` are the next answers about what falls due; the last one stays."""

    now: datetime | None = None
    created: int = 0
    dues: list[Sequence[datetime | None]] = field(default_factory=lambda: [(None, None)])
    waiting: list[int] = field(default_factory=list)
    set_to: list[datetime] = field(default_factory=list)
    fail: DomainError | None = None

    async def set(self, now: datetime, *, create: bool = False) -> None:
        if self.fail is not None:
            raise self.fail
        self.created += create
        self.now = now
        self.set_to.append(now)

    async def next_dues(self) -> Sequence[datetime | None]:
        return self.dues.pop(0) if len(self.dues) > 1 else self.dues[0]

    async def pending(self) -> int:
        return self.waiting.pop(0) if self.waiting else 0


@dataclass
class FakeRetries:
    """`answers` are the next ones: (attempts made, more, unresolved)."""

    answers: list[tuple[int, bool, int]] = field(default_factory=list)
    calls: list[datetime] = field(default_factory=list)

    async def run(self, as_of: datetime, limit: int) -> tuple[int, bool, int]:
        self.calls.append(as_of)
        return self.answers.pop(0) if self.answers else (0, False, 0)


@dataclass
class FakeBlobs:
    """`Blobs` in memory."""

    kept: dict[str, bytes] = field(default_factory=dict)

    async def get(self, key: str) -> bytes | None:
        return self.kept.get(key)

    async def put(self, key: str, content: bytes) -> None:
        self.kept.setdefault(key, content)


@dataclass
class FakePrinter:
    """Prints the number and the names."""

    printed: list[InvoiceDocument] = field(default_factory=list)

    async def render(self, document: InvoiceDocument) -> bytes:
        self.printed.append(document)
        return f"%PDF {document.number} {document.seller.company} {document.customer.name}".encode()


def fake_peers() -> Peers:
    return Peers(FakeRatings(), FakeTaxes(), FakeParties())
