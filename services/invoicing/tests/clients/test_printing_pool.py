"""The pool renders real PDFs in processes of its own."""

import pytest
from billing_invoicing.clients.printing import PrintingPool
from billing_invoicing.domain.invoice import State
from billing_invoicing.domain.printing import PrintedSeller, document_of
from invoicing_builders import PARTY, a_draft, a_seller


@pytest.mark.slow
async def test_a_pdf():
    seller = a_seller()
    invoice = a_draft(seller=seller, state=State.OPEN, number="ACME-2026-000001")
    document = document_of(invoice, PrintedSeller(seller.party, seller.tax_ids, seller.footer, seller.zone), PARTY)
    pool = PrintingPool(1)
    try:
        first = await pool.render(document)
        assert first.startswith(b"%PDF")
        assert await pool.render(document) == first
    finally:
        await pool.close()
