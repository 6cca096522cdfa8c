"""Account credit and its entries as messages."""

from billing.invoicing.v1 import account_credit_pb2 as pb

from billing_invoicing.domain.account_credit import Entry, EntryKind, Standing
from billing_invoicing.wire.values import CREDIT_ENTRY, CUSTOMER, INVOICE, PAYMENT, id_to_pb, instant_to_pb

KINDS = {
    EntryKind.GRANTED: pb.ACCOUNT_CREDIT_KIND_GRANTED,
    EntryKind.APPLIED: pb.ACCOUNT_CREDIT_KIND_APPLIED,
    EntryKind.RETURNED: pb.ACCOUNT_CREDIT_KIND_RETURNED,
    EntryKind.UNEARNED: pb.ACCOUNT_CREDIT_KIND_UNEARNED,
}
assert set(KINDS) == set(EntryKind)


def standing_to_pb(standing: Standing) -> pb.AccountCredit:
    return pb.AccountCredit(
        customer_id=id_to_pb(CUSTOMER, standing.account.customer_id),
        currency_code=standing.account.currency,
        balance_minor=standing.minor,
        update_time=instant_to_pb(standing.updated_at),
    )


def entry_to_pb(entry: Entry) -> pb.AccountCreditEntry:
    return pb.AccountCreditEntry(
        entry_id=id_to_pb(CREDIT_ENTRY, entry.entry_id),
        customer_id=id_to_pb(CUSTOMER, entry.account.customer_id),
        currency_code=entry.account.currency,
        sequence=entry.sequence,
        kind=KINDS[entry.kind],
        amount_minor=entry.amount_minor,
        balance_minor=entry.balance_minor,
        invoice_id=id_to_pb(INVOICE, entry.invoice_id),
        effective_time=instant_to_pb(entry.at),
        payment_id="" if entry.payment_id is None else id_to_pb(PAYMENT, entry.payment_id),
    )
