"""What is known of a due between the questions to the other services and the transaction that writes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from billing_invoicing.domain.credits import Repaired
from billing_invoicing.domain.due import Charge, Due, Outcome, Refusal
from billing_invoicing.domain.invoice import Invoice
from billing_invoicing.domain.run import Mode
from billing_invoicing.domain.seller import Party, Seller
from billing_invoicing.operations.ports import PartyVersion


@dataclass(slots=True)
class Prepared:
    """A due ready to be written. `asked` is the due as it came, which is what is parked; `left_out` are its charges
    that are on an invoice already, `held` that invoice; `repaired` are the lines of other invoices that it credits."""

    asked: Due
    due: Due
    outcome: Outcome
    mode: Mode = Mode.FINAL
    seller: Seller | None = None
    invoice: Invoice | None = None
    refusal: Refusal | None = None
    held: UUID | None = None
    left_out: Sequence[Charge] = ()
    repaired: Mapping[UUID, Repaired] = field(default_factory=dict)

    def park(self, refusal: Refusal) -> None:
        self.outcome, self.refusal, self.invoice, self.held = Outcome.PARKED, refusal, None, None

    def settle_without(self) -> None:
        """No charge is left: they are on an invoice already, or there never was one."""
        self.seller, self.outcome = None, Outcome.INVOICED if self.held else Outcome.NOTHING_TO_BILL


@dataclass(frozen=True, slots=True)
class Batch:
    """What `write_dues` writes: the dues in their order, and new copies of parties with their owners."""

    dues: Sequence[Prepared]
    parties: Mapping[PartyVersion, Party]
