"""Rules that must hold in production: each query returns the rows that break it."""

from uuid import UUID

from billing_runtime.call import current_call
from billing_runtime.database import Database
from sqlalchemy import select

from billing_invoicing.domain.content import content_hash
from billing_invoicing.storage.credit_invariants import CREDIT_INVARIANTS
from billing_invoicing.storage.queries import PostgresReads
from billing_invoicing.storage.tables import invoice

INVARIANTS = {
    **CREDIT_INVARIANTS,
    "one_line_per_charge": """
        SELECT line.charge_id FROM invoice_line AS line JOIN invoice USING (tenant_id, invoice_id)
        WHERE invoice.state <> 'void' GROUP BY line.charge_id HAVING count(*) > 1
    """,
    "charges_are_guarded": """
        SELECT line.charge_id FROM invoice_line AS line JOIN invoice USING (tenant_id, invoice_id)
        LEFT JOIN invoiced_charge AS held
            ON held.tenant_id = line.tenant_id AND held.charge_id = line.charge_id AND held.invoice_id = line.invoice_id
        WHERE invoice.state <> 'void' AND held.charge_id IS NULL
    """,
    "totals_are_lines_and_tax": """
        SELECT invoice.invoice_id FROM invoice LEFT JOIN invoice_line AS line USING (tenant_id, invoice_id)
        GROUP BY invoice.invoice_id, invoice.net_minor, invoice.tax_minor, invoice.total_minor
        HAVING coalesce(sum(line.net_minor), 0) <> invoice.net_minor
            OR coalesce(sum(line.tax_minor), 0) <> invoice.tax_minor
            OR invoice.total_minor <> invoice.net_minor + invoice.tax_minor
    """,
    "numbers_without_gap": """
        SELECT counter.seller_id, counter.year FROM number_counter AS counter
        LEFT JOIN invoice ON invoice.tenant_id = counter.tenant_id AND invoice.seller_id = counter.seller_id
            AND invoice.number_year = counter.year
        WHERE counter.series = 'invoice'
        GROUP BY counter.seller_id, counter.year, counter.last_number
        HAVING count(invoice.number_sequence) <> counter.last_number
            OR coalesce(max(invoice.number_sequence), 0) <> counter.last_number
    """,
    "dates_follow_numbers": """
        SELECT invoice_id FROM (
            SELECT invoice_id, invoice_at, lag(invoice_at)
                OVER (PARTITION BY seller_id ORDER BY number_year, number_sequence) AS earlier
            FROM invoice WHERE number IS NOT NULL
        ) AS dated WHERE invoice_at < earlier
    """,
    "paid_is_what_was_applied": """
        SELECT invoice.invoice_id FROM invoice LEFT JOIN applied_payment AS applied USING (tenant_id, invoice_id)
        GROUP BY invoice.invoice_id, invoice.paid_minor, invoice.credit_applied_minor, invoice.total_minor,
            invoice.state
        HAVING coalesce(sum(applied.amount_minor), 0) <> invoice.paid_minor
            OR (invoice.state = 'paid') <> (invoice.state NOT IN ('draft', 'void')
                AND invoice.paid_minor + invoice.credit_applied_minor = greatest(invoice.total_minor, 0))
    """,
    "payments_applied_whole": """
        SELECT applied_id FROM applied_payment AS applied JOIN invoice USING (tenant_id, invoice_id)
        WHERE applied.amount_minor <> applied.paid_minor AND invoice.state <> 'void'
    """,
    "settled_dues_have_their_invoice": """
        SELECT due.due_id FROM settled_due AS due LEFT JOIN invoice USING (tenant_id, invoice_id)
        WHERE due.outcome = 'invoiced' AND invoice.invoice_id IS NULL
    """,
    "parked_is_parked": """
        SELECT coalesce(due.due_id, parked.due_id) FROM (SELECT * FROM settled_due WHERE outcome = 'parked') AS due
        FULL JOIN parked_due AS parked USING (tenant_id, due_id)
        WHERE due.due_id IS NULL OR parked.due_id IS NULL
    """,
    "complete_runs_are_settled": """
        SELECT run.run_id FROM billing_run AS run LEFT JOIN settled_due AS due USING (tenant_id, run_id)
        WHERE run.state = 'complete' GROUP BY run.run_id, run.published HAVING count(due.due_id) <> run.published
    """,
    "parts_find_each_other": "SELECT due_id FROM due_part WHERE received_at < now() - interval '1 hour'",
}

PIECE = 500  # invoices of one look


async def broken_hashes(database: Database, after: UUID | None, piece: int = PIECE) -> tuple[list[UUID], UUID | None]:
    """Final invoices behind `after` whose stored content no longer has the hash of its finalisation, and where to go
    on (None: from the beginning)."""
    query = select(invoice).where(invoice.c.number.is_not(None)).order_by(invoice.c.invoice_id)
    if after is not None:
        query = query.where(invoice.c.invoice_id > after)
    async with database.read(current_call()) as tx:
        found = await PostgresReads(tx).whole_invoices(query.limit(piece))
    broken = [whole.invoice_id for whole in found if content_hash(whole) != whole.content_hash]
    return broken, found[-1].invoice_id if len(found) == piece else None
