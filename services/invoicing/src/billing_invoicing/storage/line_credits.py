"""Which credits give back which lines. Numbers of a charge's credits are never used twice, so of two transactions that
read the same credits only one can add the next."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from billing_runtime.transaction import Transaction
from sqlalchemy import and_, exists, select

from billing_invoicing.domain.credits import Repaired
from billing_invoicing.domain.errors import NotCaughtUp
from billing_invoicing.domain.invoice import Invoice, Line, State
from billing_invoicing.storage.credit_tables import line_credit
from billing_invoicing.storage.mapping import line_from_row
from billing_invoicing.storage.tables import invoice, invoice_line, invoiced_charge

# In one order, so that two transactions that credit the same lines wait for each other in a row.
_INSERT = """
INSERT INTO line_credit (charge_id, ordinal, repaired_invoice_id, credit_charge_id, invoice_id)
SELECT * FROM unnest(%s::uuid[], %s::int[], %s::uuid[], %s::uuid[], %s::uuid[]) ORDER BY 1, 2
ON CONFLICT DO NOTHING
"""


async def repaired_lines(tx: Transaction, charge_ids: Sequence[UUID]) -> Mapping[UUID, Repaired]:
    """Charge -> its line on an invoice that is not void, with the credits of it that are not void either."""
    of_line = and_(
        invoice_line.c.invoice_id == invoiced_charge.c.invoice_id,
        invoice_line.c.charge_id == invoiced_charge.c.charge_id,
    )
    query = (
        select(invoice_line, invoice.c.currency)
        .join(invoiced_charge, of_line)
        .join(invoice, invoice.c.invoice_id == invoice_line.c.invoice_id)
        .where(invoiced_charge.c.charge_id.in_(charge_ids))
    )
    rows = (await tx.conn.execute(query)).all()
    given, ordinals = await _given(tx, charge_ids)
    return {
        row.charge_id: Repaired(
            line_from_row(row),
            row.invoice_id,
            row.currency,
            tuple(given[row.charge_id]),
            ordinals.get(row.charge_id, 0),
        )
        for row in rows
    }


async def _given(tx: Transaction, charge_ids: Sequence[UUID]) -> tuple[Mapping[UUID, list[Line]], Mapping[UUID, int]]:
    """The credits of each charge that count, and the number of its last one, void ones among them."""
    of_line = and_(
        invoice_line.c.invoice_id == line_credit.c.invoice_id,
        invoice_line.c.charge_id == line_credit.c.credit_charge_id,
    )
    query = (
        select(invoice_line, line_credit.c.charge_id.label("repaired_id"), line_credit.c.ordinal, invoice.c.state)
        .join(line_credit, of_line)
        .join(invoice, invoice.c.invoice_id == line_credit.c.invoice_id)
        .where(line_credit.c.charge_id.in_(charge_ids))
        .order_by(line_credit.c.charge_id, line_credit.c.ordinal)
    )
    given: dict[UUID, list[Line]] = defaultdict(list)
    ordinals: dict[UUID, int] = {}
    for row in await tx.conn.execute(query):
        ordinals[row.repaired_id] = row.ordinal
        if row.state != State.VOID.value:
            given[row.repaired_id].append(line_from_row(row))
    return given, ordinals


async def insert_credits(tx: Transaction, invoices: Sequence[Invoice]) -> None:
    """Raises NotCaughtUp where another credit of a line was faster, or a repaired invoice is void now: read again."""
    rows = [_row(each, line) for each in invoices for line in each.lines if line.credit_of is not None]
    if not rows:
        return
    charges, ordinals, repaired, credited, holders = zip(*rows, strict=True)
    await _hold(tx, set(repaired) - {each.invoice_id for each in invoices})
    columns = (list(charges), list(ordinals), list(repaired), list(credited), list(holders))
    inserted = await tx.raw.execute(_INSERT, columns)
    if inserted.rowcount < len(rows):
        raise NotCaughtUp("another credit of the same line was faster")


def _row(of: Invoice, line: Line) -> tuple[UUID, int, UUID, UUID, UUID]:
    """The columns of _INSERT."""
    assert line.credit_of is not None
    repaired = line.credit_of
    return (repaired.charge_id, repaired.ordinal, repaired.invoice_id, line.charge_id, of.invoice_id)


async def _hold(tx: Transaction, invoice_ids: set[UUID]) -> None:
    """Until the end nobody voids these invoices."""
    if not invoice_ids:
        return
    query = select(invoice.c.invoice_id, invoice.c.state).where(invoice.c.invoice_id.in_(invoice_ids))
    held = await tx.conn.execute(query.order_by(invoice.c.invoice_id).with_for_update(read=True))
    if any(row.state == State.VOID.value for row in held.all()):
        raise NotCaughtUp("an invoice was voided while a credit of it was made")


async def is_credited(tx: Transaction, invoice_id: UUID) -> bool:
    """Whether another invoice that is not void gives back a line of this one."""
    credit = (
        select(line_credit.c.charge_id)
        .join(invoice, invoice.c.invoice_id == line_credit.c.invoice_id)
        .where(
            line_credit.c.repaired_invoice_id == invoice_id,
            line_credit.c.invoice_id != invoice_id,
            invoice.c.state != State.VOID.value,
        )
    )
    return bool((await tx.conn.execute(select(exists(credit)))).scalar_one())
