"""`Invoices` on PostgreSQL: batches by COPY, single ones under their lock."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from billing_kernel.ids import uuid7
from billing_runtime.transaction import Transaction
from psycopg.types.json import Jsonb
from sqlalchemy import Row, Select, delete, exists, select, update
from sqlalchemy.dialects.postgresql import insert

from billing_invoicing.domain.credits import Repaired
from billing_invoicing.domain.due import Collection
from billing_invoicing.domain.errors import InvoiceNotFound
from billing_invoicing.domain.invoice import AppliedPayment, Invoice, State
from billing_invoicing.storage.bulk import CHARGE, INVOICE, LINE, copy_rows, invoice_row, line_row
from billing_invoicing.storage.line_credits import insert_credits, is_credited, repaired_lines
from billing_invoicing.storage.mapping import invoice_from_row, line_from_row, number_parts, payment_from_row
from billing_invoicing.storage.tables import applied_payment, invoice, invoice_line, invoiced_charge

_SAVE = """
UPDATE invoice SET version = new.version, state = new.state, paid_minor = new.paid_minor, paid_at = new.paid_at,
    metadata = new.metadata, updated_at = new.updated_at
FROM unnest(%s::uuid[], %s::int[], %s::text[], %s::bigint[], %s::timestamptz[], %s::jsonb[], %s::timestamptz[])
    AS new(invoice_id, version, state, paid_minor, paid_at, metadata, updated_at)
WHERE invoice.invoice_id = new.invoice_id
"""
_INVOICED = "SELECT charge_id, invoice_id FROM invoiced_charge WHERE tenant_id = %s AND charge_id = ANY(%s)"


class PostgresInvoices:
    """In one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self.tx = tx

    async def lock(self, invoice_id: UUID, *, lines: bool = False) -> Invoice:
        return await self._one(select(invoice).where(invoice.c.invoice_id == invoice_id).with_for_update(), lines)

    async def lock_many(self, invoice_ids: Sequence[UUID]) -> Mapping[UUID, Invoice]:
        query = select(invoice).where(invoice.c.invoice_id.in_(set(invoice_ids))).order_by(invoice.c.invoice_id)
        rows = await self.tx.conn.execute(query.with_for_update())
        return {row.invoice_id: invoice_from_row(row) for row in rows}

    async def get(self, invoice_id: UUID, *, lines: bool = True) -> Invoice:
        return await self._one(select(invoice).where(invoice.c.invoice_id == invoice_id), lines)

    async def insert_lines(self, invoices: Sequence[Invoice]) -> None:
        if not invoices:
            return
        charges = ((line.charge_id, each.invoice_id) for each in invoices for line in each.lines)
        await copy_rows(self.tx, "invoiced_charge_rows", CHARGE, charges)
        lines = (line_row(each, line) for each in invoices for line in each.lines)
        await copy_rows(self.tx, "invoice_line_rows", LINE, lines)
        await insert_credits(self.tx, invoices)

    async def insert(self, invoices: Sequence[Invoice]) -> None:
        if invoices:
            await copy_rows(self.tx, "invoice_rows", INVOICE, map(invoice_row, invoices))

    async def finalize(self, made: Invoice) -> None:
        year, sequence = number_parts(made.number)
        columns = {
            "version": made.version,
            "state": made.state.value,
            "number": made.number,
            "number_year": year,
            "number_sequence": sequence,
            "seller_version": made.seller_version,
            "invoice_at": made.invoice_at,
            "due_at": made.due_at,
            "finalized_at": made.finalized_at,
            "paid_at": made.paid_at,
            "content_hash": made.content_hash,
            "credit_applied_minor": made.credit_applied_minor,
            "updated_at": made.updated_at,
        }
        await self.tx.conn.execute(update(invoice).where(invoice.c.invoice_id == made.invoice_id).values(columns))

    async def save(self, invoices: Sequence[Invoice]) -> None:
        if not invoices:
            return
        columns = (
            [each.invoice_id for each in invoices],
            [each.version for each in invoices],
            [each.state.value for each in invoices],
            [each.paid_minor for each in invoices],
            [each.paid_at for each in invoices],
            [Jsonb(dict(each.metadata)) for each in invoices],
            [each.updated_at for each in invoices],
        )
        await self.tx.raw.execute(_SAVE, columns)

    async def free_charges(self, invoice_id: UUID) -> None:
        charges = select(invoice_line.c.charge_id).where(invoice_line.c.invoice_id == invoice_id)
        freed = delete(invoiced_charge).where(
            invoiced_charge.c.charge_id.in_(charges), invoiced_charge.c.invoice_id == invoice_id
        )
        await self.tx.conn.execute(freed)

    async def invoiced(self, charge_ids: Sequence[UUID]) -> Mapping[UUID, UUID]:
        if not charge_ids:
            return {}
        rows = await (await self.tx.raw.execute(_INVOICED, (self.tx.tenant_id, list(charge_ids)))).fetchall()
        return {row[0]: row[1] for row in rows}

    async def lines_of(self, charge_ids: Sequence[UUID]) -> Mapping[UUID, Repaired]:
        return await repaired_lines(self.tx, charge_ids) if charge_ids else {}

    async def credited_elsewhere(self, invoice_id: UUID) -> bool:
        return await is_credited(self.tx, invoice_id)

    async def lock_of_subscription(self, subscription_id: UUID) -> list[Invoice]:
        query = select(invoice).where(invoice.c.subscription_id == subscription_id).order_by(invoice.c.invoice_id)
        rows = (await self.tx.conn.execute(query.with_for_update())).all()
        return [await self._whole(row) for row in reversed(rows)]

    async def apply(self, made: Invoice, payment: AppliedPayment) -> bool:
        row = {
            "applied_id": uuid7(),
            "invoice_id": made.invoice_id,
            "customer_id": made.customer_id,
            "payment_id": payment.payment_id,
            "reference": payment.reference,
            "amount_minor": payment.amount_minor,
            "paid_minor": payment.amount_minor + payment.unapplied_minor,
            "paid_at": payment.paid_at,
        }
        added = insert(applied_payment).values(row).on_conflict_do_nothing().returning(applied_payment.c.applied_id)
        return (await self.tx.conn.execute(added)).first() is not None

    async def tried(self, invoice_ids: Sequence[UUID], at: datetime) -> None:
        untried = invoice.c.invoice_id.in_(set(invoice_ids)) & invoice.c.tried_at.is_(None)
        await self.tx.conn.execute(update(invoice).where(untried).values(tried_at=at))

    async def untried(self) -> bool:
        waiting = select(invoice).where(
            invoice.c.state == State.OPEN.value,
            invoice.c.collection == Collection.CHARGE.value,
            invoice.c.tried_at.is_(None),
            invoice.c.paid_minor == 0,
        )
        return bool((await self.tx.conn.execute(select(exists(waiting)))).scalar_one())

    async def _one(self, query: Select[Any], lines: bool) -> Invoice:
        row = (await self.tx.conn.execute(query)).first()
        if row is None:
            raise InvoiceNotFound("no such invoice")
        return await self._whole(row) if lines else invoice_from_row(row)

    async def _whole(self, row: Row[Any]) -> Invoice:
        of_lines = select(invoice_line).where(invoice_line.c.invoice_id == row.invoice_id)
        of_payments = select(applied_payment).where(applied_payment.c.invoice_id == row.invoice_id)
        lines = await self.tx.conn.execute(of_lines.order_by(invoice_line.c.position))
        payments = await self.tx.conn.execute(of_payments.order_by(applied_payment.c.applied_id))
        return invoice_from_row(row, list(map(line_from_row, lines)), list(map(payment_from_row, payments)))
