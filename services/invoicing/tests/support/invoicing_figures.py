"""What tests of credits read from the books, and the little they do beside billing."""

from typing import Any
from uuid import UUID

from billing_invoicing.operations.void_invoice import void_invoice
from billing_invoicing.storage.unit_of_work import PostgresUnitOfWork
from billing_testkit.tenants import service_call
from invoicing_books import Books
from invoicing_builders import billing_due

FIGURES = "SELECT net_minor, tax_minor, total_minor, discount_minor, credit_applied_minor, state FROM invoice"
LINES = "SELECT amount_minor, discount_minor, net_minor, tax_minor FROM invoice_line ORDER BY invoice_id, position"


async def invoices(books: Books) -> list[Any]:
    """In order of their numbers: net, tax, total, discount, credit applied, state."""
    return await books.rows(f"{FIGURES} ORDER BY number_sequence, invoice_id")


async def ids(books: Books) -> list[UUID]:
    """In order of their numbers."""
    return [row[0] for row in await books.rows("SELECT invoice_id FROM invoice ORDER BY number_sequence")]


async def settled(books: Books) -> list[tuple[int, str]]:
    return [(each.outcome, each.reason) for each in await books.events("BillingDueSettled")]


def for_customer(due: Any, charges: Any, **changes: Any) -> Any:
    """Another due of the same customer and subscription."""
    return billing_due(charges, customer_id=due.customer_id, subscription_id=due.subscription_id, **changes)


async def void(books: Books, invoice_id: UUID) -> None:
    async with books.database.begin(service_call(books.tenant_id)) as tx:
        await void_invoice(PostgresUnitOfWork(tx), invoice_id, reason="wrong", etag="")
