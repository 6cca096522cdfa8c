"""Catalogue files <-> what they want; actions -> messages. Paths of refusals are those of the file."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from billing.subscriptions.v1 import add_on_pb2, plan_pb2
from billing.subscriptions.v1 import catalog_pb2 as pb
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from billing_subscriptions.domain.add_on import AddOn
from billing_subscriptions.domain.catalog import (
    Action,
    AddOnEntry,
    Catalog,
    CatalogKind,
    CatalogVerb,
    CouponEntry,
    Difference,
    Document,
    NamedEntry,
    PlanEntry,
    PriceClaim,
    at,
)
from billing_subscriptions.domain.coupon import Coupon
from billing_subscriptions.domain.named import Feature, Product, Words
from billing_subscriptions.domain.plan import Plan, PlanVersion
from billing_subscriptions.wire.add_ons import content_to_pb, new_add_on_from_pb
from billing_subscriptions.wire.coupons import coupon_terms_from_pb, coupon_terms_to_pb
from billing_subscriptions.wire.enums import EnumTable
from billing_subscriptions.wire.ids import price_uuid
from billing_subscriptions.wire.plan_items import plan_item_to_pb
from billing_subscriptions.wire.plans import version_from_pb
from billing_subscriptions.wire.terms import terms_to_pb
from billing_subscriptions.wire.times import interval_to_pb

KINDS = EnumTable(pb.CatalogKind, CatalogKind, "CATALOG_KIND_")
VERBS = EnumTable(pb.CatalogVerb, CatalogVerb, "CATALOG_VERB_")
FORM = 1


def catalog_from_pb(given: pb.Catalog) -> Catalog:
    """Raises InvalidPlanTerms, InvalidAddOn, InvalidCoupon, UnknownCurrency, InvalidId, with the path in the file."""
    return Catalog(
        products=[_named_from_pb(each) for each in given.products],
        features=[_named_from_pb(each) for each in given.features],
        plans=[_plan_from_pb(f"plans[{index}]", each) for index, each in enumerate(given.plans)],
        add_ons=[_add_on_from_pb(f"add_ons[{index}]", each) for index, each in enumerate(given.add_ons)],
        coupons=[_coupon_from_pb(f"coupons[{index}]", each) for index, each in enumerate(given.coupons)],
    )


def _named_from_pb(given: pb.CatalogProduct | pb.CatalogFeature) -> NamedEntry:
    return NamedEntry(given.code, Words(given.name, given.description, dict(given.metadata)), given.archived)


def _plan_from_pb(path: str, given: pb.CatalogPlan) -> PlanEntry:
    version, claims = None, []
    if given.HasField("version"):
        with at(f"{path}.version"):
            version = version_from_pb(given.version)
        for index, item in enumerate(given.version.items):
            claims += _claims(path, f"version.items[{index}]", item.code, given.version.currency_code, item)
    return PlanEntry(given.code, given.name, dict(given.metadata), version, given.archived, claims)


def _add_on_from_pb(path: str, given: pb.CatalogAddOn) -> AddOnEntry:
    with at(path):
        content = new_add_on_from_pb(given.code, given.content)
    claims = _claims(path, "content", given.code, given.content.currency_code, given.content)
    return AddOnEntry(given.code, content, dict(given.metadata), given.archived, claims)


def _coupon_from_pb(path: str, given: pb.CatalogCoupon) -> CouponEntry:
    with at(path):
        terms = coupon_terms_from_pb(given.terms)
    return CouponEntry(given.code, terms, dict(given.metadata), given.archived)


def _claims(
    root: str, path: str, code: str, currency: str, item: plan_pb2.PlanItem | add_on_pb2.AddOnContent
) -> list[PriceClaim]:
    """Every price of an item that is written with its id."""
    return list(_claimed(root, path, code, currency, item))


def _claimed(
    root: str, path: str, code: str, currency: str, item: plan_pb2.PlanItem | add_on_pb2.AddOnContent
) -> Iterator[PriceClaim]:
    written = [(f"{path}.price_id", currency, item.price_id)]
    for index, each in enumerate(item.currency_prices):
        written.append((f"{path}.currency_prices[{index}].price_id", each.currency_code, each.price_id))
    for where, of, text in written:
        if text:
            with at(f"{root}.{where}"):
                yield PriceClaim(where, code, of, price_uuid(text))


def catalog_product_to_pb(product: Product) -> pb.CatalogProduct:
    return pb.CatalogProduct(**_words(product))


def catalog_feature_to_pb(feature: Feature) -> pb.CatalogFeature:
    return pb.CatalogFeature(**_words(feature))


def _words(named: Product | Feature) -> dict[str, Any]:
    return {
        "code": named.code,
        "name": named.name,
        "description": named.description,
        "metadata": named.metadata,
        "archived": named.archived_at is not None,
    }


def catalog_plan_to_pb(plan: Plan, version: PlanVersion | None) -> pb.CatalogPlan:
    message = pb.CatalogPlan(
        code=plan.code, name=plan.name, metadata=plan.metadata, archived=plan.archived_at is not None
    )
    if version is not None:
        message.version.CopyFrom(_version_to_pb(version))
    return message


def _version_to_pb(version: PlanVersion) -> pb.CatalogPlanVersion:
    return pb.CatalogPlanVersion(
        currency_code=version.currency,
        interval=interval_to_pb(version.interval),
        trial_days=version.trial_days,
        items=[_without_ids(plan_item_to_pb(item)) for item in version.items],
        terms=terms_to_pb(version.terms),
    )


def catalog_add_on_to_pb(add_on: AddOn) -> pb.CatalogAddOn:
    return pb.CatalogAddOn(
        code=add_on.code,
        content=_without_ids(content_to_pb(add_on)),
        metadata=add_on.metadata,
        archived=add_on.archived_at is not None,
    )


def catalog_coupon_to_pb(coupon: Coupon) -> pb.CatalogCoupon:
    return pb.CatalogCoupon(
        code=coupon.code,
        terms=coupon_terms_to_pb(coupon.terms),
        metadata=coupon.metadata,
        archived=coupon.archived_at is not None,
    )


def _without_ids(message: Any) -> Any:
    """An item or an add-on as a file writes it."""
    for name in ("plan_item_id", "price_id"):
        if name in message.DESCRIPTOR.fields_by_name:
            message.ClearField(name)
    for each in message.currency_prices:
        each.ClearField("price_id")
    return message


class Documents:
    """The Describe of domain.catalog, by the fields of the contract."""

    def named(self, named: Product | Feature) -> Document:
        return _document(catalog_product_to_pb(named) if isinstance(named, Product) else catalog_feature_to_pb(named))

    def plan(self, plan: Plan, version: PlanVersion | None) -> Document:
        return _document(catalog_plan_to_pb(plan, version))

    def add_on(self, add_on: AddOn) -> Document:
        return _document(catalog_add_on_to_pb(add_on))

    def coupon(self, coupon: Coupon) -> Document:
        return _document(catalog_coupon_to_pb(coupon))


def _document(message: Message) -> Document:
    return MessageToDict(message, preserving_proto_field_name=True)


def actions_to_pb(actions: Sequence[Action]) -> list[pb.CatalogAction]:
    return [
        pb.CatalogAction(
            kind=KINDS.to_pb(action.kind),
            code=action.code,
            verb=VERBS.to_pb(action.verb),
            differences=map(_difference_to_pb, action.differences),
        )
        for action in actions
    ]


def _difference_to_pb(difference: Difference) -> pb.CatalogDifference:
    return pb.CatalogDifference(path=difference.path, before=_json(difference.before), after=_json(difference.after))


def _json(found: object) -> str:
    return "" if found is None else json.dumps(found, sort_keys=True, ensure_ascii=False)
