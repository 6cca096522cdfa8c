"""What must hold at the end of every life."""

from collections import defaultdict
from collections.abc import Sequence

from billing.invoicing.v1.account_credit_pb2 import AccountCreditEntry
from billing.invoicing.v1.account_credits_service_pb2 import GetAccountCreditRequest, ListAccountCreditEntriesRequest
from billing.invoicing.v1.account_credits_service_pb2_grpc import AccountCreditsServiceStub
from billing.invoicing.v1.invoice_pb2 import INVOICE_STATE_OPEN, INVOICE_STATE_PAID, Invoice
from billing_runtime.jobs import job_call
from billing_subscriptions.storage.history import broken_rows

from tests.scenarios.life_book import pinned, text_of
from tests.scenarios.life_oracle import Account
from tests.scenarios.life_play import Life

_DUES = "SELECT due_id, settled_at IS NOT NULL, outcome FROM billing_due WHERE tenant_id = %s"


def agree(name: str, actual: str, predicted: str) -> None:
    """The invoices are as pinned, and as the oracle works them out."""
    assert predicted == pinned(name)
    assert actual == pinned(name)


async def check_book(life: Life, customer: str, name: str, account: Account) -> None:
    """Every line of every invoice of a customer, and what is left of its credit."""
    invoices = await life.invoices(customer)
    agree(name, text_of(invoices), account.text)
    assert [invoice.total_minor for invoice in invoices] == account.totals
    assert await credit_of(life, customer, account.currency) == account.credit


async def check_end(life: Life) -> None:
    """Fold = row, due = settled + open, account credit = fold, previews = what came, and every invariant."""
    await life.world.settle()
    async with life.world.servers.database("subscriptions").read(job_call("verify", life.world.tenant_id)) as tx:
        assert await broken_rows(tx) == []
    assert await life.world.broken_rules() == {}
    invoices = await life.world.invoices()
    _check_dues(life, invoices)
    _check_balances(invoices)
    await _check_credits(life, invoices)
    _check_previews(life, invoices)


def _check_dues(life: Life, invoices: Sequence[Invoice]) -> None:
    """Every due is settled, and no charge is on two lines."""
    with life.world.servers.connect("subscriptions") as conn:
        dues = conn.execute(_DUES, [life.world.tenant_id]).fetchall()
    assert dues
    assert all(settled for _, settled, _ in dues)
    charges = [line.charge_id for invoice in invoices for line in invoice.lines]
    assert len(charges) == len(set(charges))
    assert len({str(due_id) for due_id, _, _ in dues}) == len(invoices)


def _check_balances(invoices: Sequence[Invoice]) -> None:
    """total = paid + credit + due; lines add up to their invoice, and no credit exceeds its line."""
    amounts = {line.charge_id: line.amount_minor for invoice in invoices for line in invoice.lines}
    given: dict[str, int] = defaultdict(int)
    for invoice in invoices:
        assert invoice.net_minor == sum(line.net_minor for line in invoice.lines)
        assert invoice.total_minor == invoice.net_minor + invoice.tax_minor
        if invoice.state in (INVOICE_STATE_OPEN, INVOICE_STATE_PAID) and invoice.total_minor >= 0:
            settled = invoice.paid_minor + invoice.credit_applied_minor
            assert invoice.total_minor == settled + invoice.due_minor, invoice
        for line in invoice.lines:
            if line.HasField("credit_of"):
                given[line.credit_of.charge_id] += line.amount_minor
    assert all(amounts[charge_id] + minor >= 0 for charge_id, minor in given.items())


async def _check_credits(life: Life, invoices: Sequence[Invoice]) -> None:
    """The entries are what the invoices granted and used, and fold to each balance."""
    folded: dict[tuple[str, str], int] = defaultdict(int)
    for invoice in invoices:
        folded[(invoice.customer_id, invoice.currency_code)] += invoice.credit_granted_minor
        folded[(invoice.customer_id, invoice.currency_code)] -= invoice.credit_applied_minor
    entries = await _entries(life)
    for (customer_id, currency), minor in folded.items():
        own = [each for each in entries if (each.customer_id, each.currency_code) == (customer_id, currency)]
        assert sum(each.amount_minor for each in own) == minor
        assert not own or own[-1].balance_minor == minor >= 0


def _check_previews(life: Life, invoices: Sequence[Invoice]) -> None:
    """Each preview is the invoice that came with the same charges."""
    came = {frozenset(line.charge_id for line in invoice.lines): invoice for invoice in invoices}
    assert life.previews
    for shown in life.previews:
        found = came.get(frozenset(line.charge_id for line in shown.lines))
        assert found is not None, text_of([shown], states=False)
        assert text_of([shown], states=False) == text_of([found], states=False)


async def _entries(life: Life) -> list[AccountCreditEntry]:
    stub = AccountCreditsServiceStub(life.world.admin.channels["invoicing"])
    return list((await stub.ListAccountCreditEntries(ListAccountCreditEntriesRequest(page_size=1000))).entries)


async def credit_of(life: Life, customer: str, currency: str) -> int:
    """The account credit that is left, in minor units."""
    stub = AccountCreditsServiceStub(life.world.admin.channels["invoicing"])
    asked = GetAccountCreditRequest(customer_id=life.customers[customer], currency_code=currency)
    return int((await stub.GetAccountCredit(asked)).account_credit.balance_minor)
