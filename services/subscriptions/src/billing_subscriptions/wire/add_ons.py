"""Add-ons <-> their messages."""

from billing.subscriptions.v1 import add_on_pb2 as pb
from billing_kernel.decimals import format_decimal
from billing_kernel.errors import DomainError, Violation

from billing_subscriptions.domain.add_on import AddOn, Conditions, NewAddOn, Recurrence
from billing_subscriptions.domain.catalog_errors import InvalidAddOn
from billing_subscriptions.domain.etag import etag_of
from billing_subscriptions.domain.plan_item import ItemKind
from billing_subscriptions.domain.policy import Entitlement
from billing_subscriptions.wire.enums import EnumTable
from billing_subscriptions.wire.ids import add_on_text, add_on_version_text, price_text
from billing_subscriptions.wire.plan_items import (
    KINDS,
    TAX_BEHAVIORS,
    TIMINGS,
    currency_prices_to_pb,
    sold_from_pb,
)
from billing_subscriptions.wire.prices import price_to_pb
from billing_subscriptions.wire.terms import entitlement_from_pb, entitlements_to_pb
from billing_subscriptions.wire.times import optional_time, time_to_pb

RECURRENCES = EnumTable(pb.AddOnRecurrence, Recurrence, "ADD_ON_RECURRENCE_")


def new_add_on_from_pb(code: str, given: pb.AddOnContent) -> NewAddOn:
    """Raises InvalidAddOn, UnspecifiedValue."""
    return NewAddOn(
        item=sold_from_pb(code, given),
        currency=given.currency_code,
        recurrence=RECURRENCES.from_pb(given.recurrence or pb.ADD_ON_RECURRENCE_RECURRING),
        min_quantity=given.min_quantity,
        max_quantity=given.max_quantity,
        requires=tuple(given.requires),
        excludes=tuple(given.excludes),
        plan_codes=tuple(given.plan_codes),
        entitlements=_entitlements(given),
    )


def _entitlements(given: pb.AddOnContent) -> tuple[Entitlement, ...]:
    read = []
    for index, each in enumerate(given.entitlements):
        try:
            read.append(entitlement_from_pb(each))
        except DomainError as error:
            path = f"content.entitlements[{index}].metered.limit"
            broken = [Violation(path, error.message, error.reason)]
            raise InvalidAddOn(f"{path}: {error.message}", violations=broken) from error
    return tuple(read)


def add_on_to_pb(add_on: AddOn) -> pb.AddOn:
    return pb.AddOn(
        add_on_id=add_on_text(add_on.id),
        code=add_on.code,
        add_on_version_id=add_on_version_text(add_on.version_id),
        number=add_on.number,
        content=content_to_pb(add_on),
        metadata=add_on.metadata,
        archive_time=optional_time(add_on.archived_at),
        etag=etag_of(add_on.version),
        create_time=time_to_pb(add_on.created_at),
        update_time=time_to_pb(add_on.updated_at),
    )


def content_to_pb(add_on: AddOn) -> pb.AddOnContent:
    item, rules = add_on.item, add_on.conditions
    seat = item.kind is ItemKind.SEAT
    return pb.AddOnContent(
        name=item.name,
        kind=KINDS.to_pb(item.kind),
        timing=TIMINGS.to_pb(item.timing),
        currency_code=add_on.currency,
        price=price_to_pb(item.price),
        price_id=price_text(item.price_id),
        currency_prices=currency_prices_to_pb(item),
        meter_code=item.meter_code,
        tax_category=item.tax_category,
        tax_behavior=TAX_BEHAVIORS.to_pb(item.tax_behavior),
        product_code=item.product_code,
        recurrence=RECURRENCES.to_pb(rules.recurrence),
        min_quantity=format_decimal(rules.min_quantity) if seat else "",
        max_quantity=_greatest(rules) if seat else "",
        requires=rules.requires,
        excludes=rules.excludes,
        plan_codes=rules.plan_codes,
        entitlements=entitlements_to_pb(rules.entitlements),
    )


def _greatest(rules: Conditions) -> str:
    return "" if rules.max_quantity is None else format_decimal(rules.max_quantity)
