"""Builders: dues as subscriptions publishes them, events as consumers get them, sellers, invoices."""

from collections.abc import Sequence
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any
from uuid import UUID

from billing.common.v1 import collection_pb2, money_pb2, period_pb2, tax_facts_pb2
from billing.payments.v1 import events_pb2 as payment_events
from billing.subscriptions.v1 import charge_pb2, events_pb2, plan_pb2
from billing_invoicing.domain.billing import Work, draft
from billing_invoicing.domain.due import LineTax, TaxedLine, TaxId
from billing_invoicing.domain.invoice import Invoice
from billing_invoicing.domain.seller import Party, Seller
from billing_invoicing.wire.dues import due_from_pb
from billing_kernel.decimals import format_decimal
from billing_kernel.ids import encode, uuid7
from billing_pricing import Flat, rate
from billing_runtime.events import Received
from google.protobuf.timestamp_pb2 import Timestamp

JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
FEBRUARY = datetime(2026, 2, 1, tzinfo=UTC)
MARCH = datetime(2026, 3, 1, tzinfo=UTC)
PARTY = Party("Anna Müller", "", "anna@example.test", "Hauptstr. 1", "", "Berlin", "10115", "", "DE")


def stamp(instant: datetime) -> Timestamp:
    made = Timestamp()
    made.FromDatetime(instant)
    return made


def flat_charge(amount_minor: int = 4900, currency: str = "EUR", **changes: Any) -> charge_pb2.Charge:
    """A flat fee of January, with its explanation."""
    exact = Fraction(amount_minor, 100)
    explained = rate(Flat(min(abs(exact), Fraction(10**12))), Fraction(1), currency)
    fields: dict[str, Any] = {
        "charge_id": str(uuid7()),
        "kind": plan_pb2.PLAN_ITEM_KIND_FLAT,
        "subscription_item_id": encode("si", uuid7()),
        "code": "base",
        "description": "Base fee",
        "service_period": period_pb2.Period(start=stamp(JANUARY), end=stamp(FEBRUARY)),
        "quantity": "1",
        "unit_amount": format_decimal(exact, 2),
        "exact_amount": money_pb2.ExactAmount(
            currency_code=currency,
            numerator=str(exact.numerator),
            denominator=str(exact.denominator),
        ),
        "amount": money_pb2.Money(currency_code=currency, amount_minor=amount_minor),
        "explanation": explained.explanation_json(),
        "price_id": encode("price", uuid7()),
        "tax_category": "digital_service",
        "tax_behavior": tax_facts_pb2.TAX_BEHAVIOR_EXCLUSIVE,
        "supply_time": stamp(JANUARY),
    }
    return charge_pb2.Charge(**(fields | changes))


def metered_charge(**changes: Any) -> charge_pb2.Charge:
    """API calls of January, not rated yet."""
    fields: dict[str, Any] = {
        "charge_id": str(uuid7()),
        "kind": plan_pb2.PLAN_ITEM_KIND_METERED,
        "subscription_item_id": encode("si", uuid7()),
        "code": "api",
        "description": "API calls",
        "service_period": period_pb2.Period(start=stamp(JANUARY), end=stamp(FEBRUARY)),
        "price_id": encode("price", uuid7()),
        "meter_code": "api_calls",
        "tax_category": "digital_service",
        "tax_behavior": tax_facts_pb2.TAX_BEHAVIOR_EXCLUSIVE,
        "supply_time": stamp(FEBRUARY),
    }
    return charge_pb2.Charge(**(fields | changes))


def billing_due(charges: Sequence[charge_pb2.Charge] | None = None, **changes: Any) -> events_pb2.BillingDue:
    """A due of 1 February for a new customer: one flat fee unless `charges` says otherwise."""
    customer_id = encode("cus", uuid7())
    fields: dict[str, Any] = {
        "due_id": str(uuid7()),
        "part": 1,
        "parts": 1,
        "run_id": encode("run", uuid7()),
        "subscription_id": encode("sub", uuid7()),
        "subscription_version": 3,
        "customer_id": customer_id,
        "payer_customer_id": customer_id,
        "party_id": encode("party", uuid7()),
        "party_version": 1,
        "currency_code": "EUR",
        "collection_method": collection_pb2.COLLECTION_METHOD_CHARGE,
        "net_terms_days": 14,
        "tax_facts": tax_facts_pb2.TaxFacts(country_code="DE"),
        "effective_time": stamp(FEBRUARY),
        "charges": [flat_charge()] if charges is None else charges,
    }
    if "customer_id" in changes:
        fields["payer_customer_id"] = changes["customer_id"]
    return events_pb2.BillingDue(**(fields | changes))


def received(tenant_id: UUID, message: Any, *, key: str = "", at: datetime = FEBRUARY) -> Received:
    """The event as a consumer gets it, with an id of its own."""
    return Received(
        topic="billing.subscriptions.due.v1",
        key=key or getattr(message, "customer_id", "") or "key",
        type=message.DESCRIPTOR.full_name,
        id=uuid7(),
        tenant_id=tenant_id,
        actor="user:alice",
        subject="subject",
        correlation_id="c1",
        causation_id=None,
        sequence=1,
        effective_at=at,
        traceparent=None,
        payload=message.SerializeToString(),
    )


def payment_facts(invoice_id: UUID, amount_minor: int, currency: str = "EUR", **changes: Any) -> Any:
    fields: dict[str, Any] = {
        "payment_id": encode("pay", uuid7()),
        "version": 2,
        "invoice_id": encode("inv", invoice_id),
        "customer_id": encode("cus", uuid7()),
        "amount": money_pb2.Money(currency_code=currency, amount_minor=amount_minor),
        "attempts": 1,
        "gateway": "sandbox",
    }
    return payment_events.PaymentFacts(**(fields | changes))


def a_seller(**changes: Any) -> Seller:
    fields: dict[str, Any] = {
        "seller_id": uuid7(),
        "version": 1,
        "party": Party("", "ACME GmbH", "billing@acme.test", "Ring 1", "", "Wien", "1010", "", "AT"),
        "tax_ids": (TaxId("eu_vat", "ATU12345675"),),
        "time_zone": "Europe/Vienna",
        "number_prefix": "ACME",
        "is_default": True,
        "footer": "IBAN AT61 1904 3002 3457 3201",
        "metadata": {},
        "created_at": JANUARY,
        "updated_at": JANUARY,
    }
    return Seller(**(fields | changes))


def vat(base_minor: int, percent: int = 19) -> LineTax:
    tax = (base_minor * percent * 2 + 100) // 200
    return LineTax(
        "VAT", "DE", "", str(percent), base_minor, tax, "CUSTOMER_PLACE", "2026-02-01", "PER_LINE", "source", ""
    )


def taxed(amount_minor: int, percent: int = 19) -> TaxedLine:
    tax = vat(amount_minor, percent)
    return TaxedLine(amount_minor, tax.amount_minor, (tax,))


def a_draft(due: events_pb2.BillingDue | None = None, seller: Seller | None = None, **changes: Any) -> Invoice:
    """The draft of a due whose charges are all flat, with 19 % on top."""
    whole = due_from_pb(due if due is not None else billing_due())
    answers = [taxed(charge.amount_minor) for charge in whole.charges]
    made = draft(Work(whole, seller or a_seller()), answers, now=FEBRUARY, new_id=uuid7)
    assert isinstance(made, Invoice)
    return made._replace(**changes)
