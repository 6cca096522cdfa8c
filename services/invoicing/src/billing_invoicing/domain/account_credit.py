"""Account credit: what totals below zero leave to a customer, used by the invoices that follow in the same currency.

A balance is the sum of its entries and never below zero; entries are only ever added.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from billing_invoicing.domain.invoice import AppliedPayment, Invoice


class EntryKind(StrEnum):
    """GRANTED by a total below zero; APPLIED when an invoice became final; RETURNED when that invoice was voided;
    UNEARNED where money came for an invoice that is void."""

    GRANTED = "granted"
    APPLIED = "applied"
    RETURNED = "returned"
    UNEARNED = "unearned"


class Account(NamedTuple):
    """Credit is kept by customer and currency. Sorted, they are locked in one order."""

    customer_id: UUID
    currency: str


class Balance(NamedTuple):
    """Where an account stands: minor units, and the number of its last entry."""

    minor: int = 0
    sequence: int = 0


class Entry(NamedTuple):
    """One movement; `amount_minor` is negative where credit was used, `balance_minor` is what was left.

    `payment_id` is the payment that was unearned; None for others, and for all that came out of band for the invoice.
    """

    entry_id: UUID
    account: Account
    sequence: int
    kind: EntryKind
    amount_minor: int
    balance_minor: int
    invoice_id: UUID
    at: datetime
    payment_id: UUID | None = None


class Standing(NamedTuple):
    """An account as it is read: minor units, and when it last changed (None: there never was any)."""

    account: Account
    minor: int
    updated_at: datetime | None


def account_of(invoice: Invoice) -> Account:
    return Account(invoice.customer_id, invoice.currency)


@dataclass(slots=True)
class Accounts:
    """Locked accounts, and what is added to them."""

    balances: dict[Account, Balance]
    new_id: Callable[[], UUID]
    entries: list[Entry]

    def finalise(self, invoice: Invoice) -> Invoice:
        """The draft with the credit that it uses; a total below zero grants it instead."""
        account = account_of(invoice)
        if invoice.total_minor < 0:
            self.move(account, EntryKind.GRANTED, -invoice.total_minor, invoice.invoice_id, invoice.invoice_at)
            return invoice
        used = min(self.balances.get(account, Balance()).minor, invoice.total_minor)
        if used == 0:
            return invoice
        self.move(account, EntryKind.APPLIED, -used, invoice.invoice_id, invoice.invoice_at)
        return invoice._replace(credit_applied_minor=used)

    def keep_unearned(self, invoice: Invoice, payments: Sequence[AppliedPayment], at: datetime) -> None:
        """All that came with these payments: an entry each, and one for what came out of band."""
        account = account_of(invoice)
        out_of_band = sum(each.received_minor for each in payments if each.payment_id is None)
        if out_of_band:
            self.move(account, EntryKind.UNEARNED, out_of_band, invoice.invoice_id, at)
        for each in payments:
            if each.payment_id is not None:
                self.move(account, EntryKind.UNEARNED, each.received_minor, invoice.invoice_id, at, each.payment_id)

    def move(
        self,
        account: Account,
        kind: EntryKind,
        amount_minor: int,
        invoice_id: UUID,
        at: datetime,
        payment_id: UUID | None = None,
    ) -> None:
        """Adds one entry."""
        before = self.balances.get(account, Balance())
        after = Balance(before.minor + amount_minor, before.sequence + 1)
        assert after.minor >= 0, "no more is used than there is"
        self.balances[account] = after
        self.entries.append(
            Entry(self.new_id(), account, after.sequence, kind, amount_minor, after.minor, invoice_id, at, payment_id)
        )


def granting(invoices: Sequence[Invoice]) -> set[Account]:
    """The accounts to which these invoices give credit once they are final."""
    return {account_of(invoice) for invoice in invoices if invoice.total_minor < 0}
