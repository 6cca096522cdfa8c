"""The invoice that the end of the current period would make: the code of the billing run, without a write."""

from uuid import UUID

from billing_invoicing.domain.account_credit import Account
from billing_invoicing.domain.errors import DueRefused, NothingToBill, SubscriptionNotFound
from billing_invoicing.domain.invoice import Invoice
from billing_invoicing.domain.seller import Party
from billing_invoicing.operations.peer_ports import Renewals
from billing_invoicing.operations.ports import Read
from billing_invoicing.operations.prepare_dues import Peers, prepare_dues


async def preview_invoice(
    read: Read, renewals: Renewals, peers: Peers, subscription_id: UUID, *, customer_id: UUID | None
) -> tuple[Invoice, Party | None]:
    """A draft and the customer's party. `customer_id` limits the caller to its own subscriptions.

    Raises SubscriptionNotFound, NothingToBill, and DueRefused with what would park the due.
    """
    due = await renewals.preview(subscription_id)
    if customer_id is not None:
        owner = due.payer_id if due is not None else await renewals.customer_of(subscription_id)
        if owner != customer_id:
            raise SubscriptionNotFound("no such subscription")
    if due is None or not (due.charges or due.commitment):
        raise NothingToBill("nothing falls due on this subscription")
    async with read() as reads:
        batch = await prepare_dues(reads, peers, [due], now=await reads.now(), final=False)
        version = (due.party_id, due.party_version)
        party = batch.parties.get(version) or await reads.parties.get(*version)
        standing = await reads.credits.get(Account(due.payer_id, due.currency))
    (prepared,) = batch.dues
    if prepared.refusal is not None:
        raise DueRefused(prepared.refusal.reason, prepared.refusal.message)
    if prepared.invoice is None:
        raise NothingToBill("what falls due is on an invoice already")
    made, credit_minor = prepared.invoice, standing.minor if standing else 0
    return made._replace(credit_applied_minor=max(0, min(credit_minor, made.total_minor))), party
