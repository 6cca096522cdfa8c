"""Builders of this service's requests."""

from types import SimpleNamespace
from uuid import UUID

import pytest
from billing.common.v1 import tax_facts_pb2 as facts_pb
from billing.tax.v1 import tax_document_pb2 as pb
from billing_kernel.ids import encode, uuid7
from google.protobuf.timestamp_pb2 import Timestamp

FR_VAT = facts_pb.TaxId(type=facts_pb.TAX_ID_TYPE_EU_VAT, value="FR40303265045")


def stamp(text: str) -> Timestamp:
    made = Timestamp()
    made.FromJsonString(text)
    return made


def document(seller: UUID, country: str = "DE", amount: int = 4900, **changes) -> pb.TaxDocument:
    """A German seller's document for a consumer in `country` ("US-CA"), with one exclusive line."""
    country_code, _, region = country.partition("-")
    fields = {
        "reference": "doc",
        "seller_id": encode("sel", seller),
        "seller_country_code": "DE",
        "tax_facts": facts_pb.TaxFacts(country_code=country_code, region=region),
        "currency_code": "EUR",
        "lines": [line(amount)],
    }
    return pb.TaxDocument(**(fields | changes))


def line(amount: int = 4900, at: str = "2026-03-01T12:00:00Z", **changes) -> pb.TaxableLine:
    fields = {
        "reference": "line",
        "amount_minor": amount,
        "tax_category": "digital_service",
        "tax_behavior": facts_pb.TAX_BEHAVIOR_EXCLUSIVE,
        "supply_time": stamp(at),
    }
    return pb.TaxableLine(**(fields | changes))


@pytest.fixture(scope="session")
def build() -> SimpleNamespace:
    return SimpleNamespace(document=document, line=line, stamp=stamp, fr_vat=FR_VAT)


@pytest.fixture
def seller_id() -> UUID:
    """A seller that no other test knows."""
    return uuid7()
