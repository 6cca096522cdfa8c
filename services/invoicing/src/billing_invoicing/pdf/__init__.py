"""Invoices as PDF: typst lays out what `domain.document` says; nothing is computed here but the layout."""

from billing_invoicing.pdf.renderer import render

__all__ = ["render"]
