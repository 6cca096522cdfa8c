"""Charges and credits that wait for the next due <-> JSON in the subscription's row."""

from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any
from uuid import UUID

from billing_kernel.decimals import format_decimal
from billing_kernel.money import ExactAmount

from billing_subscriptions.domain.charges import Charge, ChargeReason, CreditOf, Priced
from billing_subscriptions.domain.policy import ChangeWhen, Settlement
from billing_subscriptions.storage.life_json import (
    decimal,
    instant,
    money_from_json,
    money_to_json,
    span_from_json,
    span_to_json,
)
from billing_subscriptions.storage.plan_rows import plan_item_from_json, plan_item_to_json

Json = dict[str, Any]


def charge_to_json(charge: Charge) -> Json:
    credit = charge.credit_of
    return {
        "id": str(charge.id),
        "item": plan_item_to_json(charge.item),
        "subscription_item_id": str(charge.subscription_item_id),
        "description": charge.description,
        "service_period": span_to_json(charge.service_period),
        "supply_at": charge.supply_at.isoformat(),
        "priced": _priced_to_json(charge.priced) if charge.priced else None,
        "credit_of": [str(credit.charge_id), str(credit.share)] if credit else None,
        "reason": charge.reason.value,
        "proration": charge.proration,
        "tiers_from": charge.tiers_from.isoformat() if charge.tiers_from else None,
        "when": charge.when,
        "settlement": charge.settlement,
        "limits_share": None if charge.limits_share is None else str(charge.limits_share),
    }


def charge_from_json(given: Mapping[str, Any], currency: str) -> Charge:
    credit, share = given["credit_of"], given["limits_share"]
    return Charge(
        id=UUID(given["id"]),
        item=plan_item_from_json(given["item"], currency),
        subscription_item_id=UUID(given["subscription_item_id"]),
        description=given["description"],
        service_period=span_from_json(given["service_period"]),
        supply_at=datetime.fromisoformat(given["supply_at"]),
        priced=_priced_from_json(given["priced"]) if given["priced"] else None,
        credit_of=CreditOf(UUID(credit[0]), Fraction(credit[1])) if credit else None,
        reason=ChargeReason(given["reason"]),
        proration=given["proration"],
        tiers_from=instant(given["tiers_from"]),
        limits_share=None if share is None else Fraction(share),
        when=ChangeWhen(given["when"]) if given.get("when") else None,
        settlement=Settlement(given["settlement"]) if given.get("settlement") else None,
    )


def _priced_to_json(priced: Priced) -> Json:
    return {
        "quantity": format_decimal(priced.quantity),
        "unit_amount": None if priced.unit_amount is None else format_decimal(priced.unit_amount),
        "exact": [priced.exact.currency, str(priced.exact.value)],
        "rounded": money_to_json(priced.rounded),
        "explanation": priced.explanation,
    }


def _priced_from_json(given: Mapping[str, Any]) -> Priced:
    currency, exact = given["exact"]
    return Priced(
        decimal(given["quantity"]),
        None if given["unit_amount"] is None else decimal(given["unit_amount"]),
        ExactAmount(currency, Fraction(exact)),
        money_from_json(given["rounded"]),
        given["explanation"],
    )
