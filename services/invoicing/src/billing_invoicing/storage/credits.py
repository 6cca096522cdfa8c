"""`AccountCredits` on PostgreSQL: one row an account, locked in one order; one statement where nobody has credit."""

from collections.abc import Collection, Sequence
from uuid import UUID

from billing_kernel.ids import uuid7
from billing_runtime.transaction import Transaction
from sqlalchemy import exists, select

from billing_invoicing.domain.account_credit import Account, Accounts, Balance, Entry, Standing
from billing_invoicing.storage.credit_tables import account_credit
from billing_invoicing.storage.tables import invoice

_LOCK = """
SELECT customer_id, currency, balance_minor, last_sequence FROM account_credit
WHERE tenant_id = %s AND customer_id = ANY(%s) AND (balance_minor > 0 OR customer_id = ANY(%s))
ORDER BY customer_id, currency FOR UPDATE
"""
_MAKE = """
INSERT INTO account_credit (customer_id, currency, balance_minor, last_sequence, updated_at)
SELECT customer_id, currency, 0, 0, now() FROM unnest(%s::uuid[], %s::text[]) AS made(customer_id, currency)
ORDER BY customer_id, currency ON CONFLICT DO NOTHING
"""
_ENTRIES = """
INSERT INTO account_credit_entry
    (entry_id, customer_id, currency, sequence, kind, amount_minor, balance_minor, invoice_id, effective_at,
    payment_id)
SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::int[], %s::text[], %s::bigint[], %s::bigint[], %s::uuid[],
    %s::timestamptz[], %s::uuid[])
"""
_BALANCES = """
UPDATE account_credit SET balance_minor = new.balance_minor, last_sequence = new.sequence, updated_at = new.effective_at
FROM unnest(%s::uuid[], %s::text[], %s::bigint[], %s::int[], %s::timestamptz[])
    AS new(customer_id, currency, balance_minor, sequence, effective_at)
WHERE account_credit.customer_id = new.customer_id AND account_credit.currency = new.currency
"""


class PostgresCredits:
    """In one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self.tx = tx

    async def lock(self, wanted: Collection[Account], make: Collection[Account]) -> Accounts:
        if make:
            ordered = sorted(make)
            columns = ([each.customer_id for each in ordered], [each.currency for each in ordered])
            await self.tx.raw.execute(_MAKE, columns)
        made = list({each.customer_id for each in make})
        customers = list({each.customer_id for each in wanted}.union(made))
        balances: dict[Account, Balance] = {}
        if customers:
            rows = await (await self.tx.raw.execute(_LOCK, (self.tx.tenant_id, customers, made))).fetchall()
            balances = {Account(row[0], row[1]): Balance(row[2], row[3]) for row in rows}
        return Accounts(balances, uuid7, [])

    async def add(self, entries: Sequence[Entry]) -> None:
        columns = (
            [each.entry_id for each in entries],
            [each.account.customer_id for each in entries],
            [each.account.currency for each in entries],
            [each.sequence for each in entries],
            [each.kind.value for each in entries],
            [each.amount_minor for each in entries],
            [each.balance_minor for each in entries],
            [each.invoice_id for each in entries],
            [each.at for each in entries],
            [each.payment_id for each in entries],
        )
        await self.tx.raw.execute(_ENTRIES, columns)
        last = list({each.account: each for each in entries}.values())
        balances = (
            [each.account.customer_id for each in last],
            [each.account.currency for each in last],
            [each.balance_minor for each in last],
            [each.sequence for each in last],
            [each.at for each in last],
        )
        await self.tx.raw.execute(_BALANCES, balances)

    async def get(self, account: Account) -> Standing | None:
        columns = account_credit.c
        query = select(columns.balance_minor, columns.updated_at).where(
            columns.customer_id == account.customer_id, columns.currency == account.currency
        )
        row = (await self.tx.conn.execute(query)).first()
        if row is not None:
            return Standing(account, row.balance_minor, row.updated_at)
        return Standing(account, 0, None) if await self._known(account.customer_id) else None

    async def _known(self, customer_id: UUID) -> bool:
        """Whether a row of this tenant names the customer."""
        billed = select(invoice.c.invoice_id).where(invoice.c.customer_id == customer_id)
        credit = select(account_credit.c.customer_id).where(account_credit.c.customer_id == customer_id)
        found = await self.tx.conn.execute(select(exists(billed) | exists(credit)))
        return bool(found.scalar_one())
