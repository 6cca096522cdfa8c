"""`Dues` on PostgreSQL, and the parts of dues that came in several."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from billing.subscriptions.v1 import events_pb2
from billing_runtime.transaction import Transaction
from sqlalchemy import delete, insert, select, update

from billing_invoicing.domain.due import Due, Refusal, Settlement
from billing_invoicing.storage.bulk import SETTLED, copy_rows, settled_row
from billing_invoicing.storage.mapping import settlement_from_row
from billing_invoicing.storage.tables import due_part, parked_due, settled_due
from billing_invoicing.wire.dues import due_from_pb, due_to_pb

_SETTLED = """
SELECT due_id, run_id, subscription_id, payer_id, outcome, invoice_id, reason, currency, total_minor
FROM settled_due WHERE tenant_id = %s AND due_id = ANY(%s)
"""
_PART = "INSERT INTO due_part (due_id, part, payload) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"


class PostgresDues:
    """In one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self.tx = tx

    async def settled(self, due_ids: Sequence[UUID]) -> Mapping[UUID, Settlement]:
        rows = await (await self.tx.raw.execute(_SETTLED, (self.tx.tenant_id, list(due_ids)))).fetchall()
        return {row[0]: settlement_from_row(row) for row in rows}

    async def settle(self, settlements: Sequence[Settlement], at: datetime) -> None:
        await copy_rows(self.tx, "settled_due_rows", SETTLED, (settled_row(each, at) for each in settlements))

    async def resettle(self, settlement: Settlement, at: datetime) -> None:
        changed = {
            "outcome": settlement.outcome.value,
            "invoice_id": settlement.invoice_id,
            "reason": settlement.reason,
            "total_minor": settlement.total_minor,
            "settled_at": at,
        }
        await self.tx.conn.execute(update(settled_due).where(settled_due.c.due_id == settlement.due_id).values(changed))

    async def park(self, parked: Sequence[tuple[Due, Refusal]], at: datetime) -> None:
        rows = [
            {
                "due_id": due.due_id,
                "run_id": due.run_id,
                "subscription_id": due.subscription_id,
                "customer_id": due.customer_id,
                "reason": refusal.reason,
                "message": refusal.message,
                "payload": due_to_pb(due).SerializeToString(deterministic=True),
                "parked_at": at,
            }
            for due, refusal in parked
        ]
        await self.tx.conn.execute(insert(parked_due), rows)

    async def parked(self, due_id: UUID) -> Due | None:
        query = select(parked_due.c.payload).where(parked_due.c.due_id == due_id)
        payload = (await self.tx.conn.execute(query)).scalar()
        return None if payload is None else due_from_pb(events_pb2.BillingDue.FromString(payload))

    async def unpark(self, due_id: UUID) -> bool:
        gone = delete(parked_due).where(parked_due.c.due_id == due_id).returning(parked_due.c.due_id)
        return (await self.tx.conn.execute(gone)).first() is not None


async def gather_part(tx: Transaction, due_id: UUID, part: events_pb2.BillingDue) -> list[events_pb2.BillingDue] | None:
    """Keeps one part; all parts of the due, this one among them, once the last has come, and None before."""
    await tx.raw.execute(_PART, (due_id, part.part, part.SerializeToString(deterministic=True)))
    query = select(due_part.c.payload).where(due_part.c.due_id == due_id)
    kept = (await tx.conn.execute(query)).scalars().all()
    if len(kept) < part.parts:
        return None
    await tx.conn.execute(delete(due_part).where(due_part.c.due_id == due_id))
    return [events_pb2.BillingDue.FromString(payload) for payload in kept]
