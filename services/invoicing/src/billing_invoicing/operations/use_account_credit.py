"""Invoices that become final use what their customers have in credit, or add to it; before numbers are taken."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from billing_invoicing.domain.account_credit import EntryKind, account_of, granting
from billing_invoicing.domain.invoice import AppliedPayment, Invoice
from billing_invoicing.operations.ports import UnitOfWork


async def use_account_credit(uow: UnitOfWork, drafts: Sequence[Invoice]) -> Mapping[UUID, Invoice]:
    """Invoice -> the draft with its credit, used in the order of the drafts. One statement where nobody has credit."""
    using = {account_of(draft) for draft in drafts if draft.total_minor > 0}
    accounts = await uow.credits.lock(using, granting(drafts))
    credited = {draft.invoice_id: accounts.finalise(draft) for draft in drafts}
    if accounts.entries:
        await uow.credits.add(accounts.entries)
    return credited


async def return_account_credit(uow: UnitOfWork, voided: Invoice) -> None:
    """Gives back what the invoice used; its row is locked."""
    if voided.credit_applied_minor == 0:
        return
    account = account_of(voided)
    accounts = await uow.credits.lock((), {account})
    accounts.move(account, EntryKind.RETURNED, voided.credit_applied_minor, voided.invoice_id, voided.updated_at)
    await uow.credits.add(accounts.entries)


async def keep_unearned(uow: UnitOfWork, void: Invoice, payments: Sequence[AppliedPayment], at: datetime) -> None:
    """Money that came for a void invoice stays the payer's: as account credit. Its row is locked; call it once a
    payment."""
    if not payments:
        return
    accounts = await uow.credits.lock((), {account_of(void)})
    accounts.keep_unearned(void, payments, at)
    await uow.credits.add(accounts.entries)
