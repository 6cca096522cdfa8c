"""Codes by which plan versions and add-ons name meters, features and products: what is sold names only what exists."""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass

from billing_kernel.errors import DomainError, Violation

from billing_subscriptions.domain.catalog_errors import FeatureMissing, ProductMissing
from billing_subscriptions.domain.errors import MeterNotFound
from billing_subscriptions.domain.plan_item import PlanItem
from billing_subscriptions.domain.policy import Entitlement

Named = tuple[str, str]  # a field and the code in it


@dataclass(frozen=True, slots=True)
class Known:
    """Codes that exist and are not archived, of those a version or an add-on names."""

    meters: frozenset[str] = frozenset()
    features: frozenset[str] = frozenset()
    products: frozenset[str] = frozenset()


def refuse_unknown(
    items: Iterable[tuple[str, PlanItem]], entitlements: Iterable[tuple[str, Entitlement]], known: Known
) -> None:
    """Each with its field. Raises MeterNotFound, FeatureMissing, ProductMissing that names every field."""
    items, entitlements = list(items), list(entitlements)
    meters = [(f"{path}.meter_code", item.meter_code) for path, item in items if item.meter_code]
    meters += [(f"{path}.metered.meter_code", each.metered.meter_code) for path, each in entitlements if each.metered]
    features = [(f"{path}.feature_code", each.feature_code) for path, each in entitlements]
    products = [(f"{path}.product_code", item.product_code) for path, item in items if item.product_code]
    _refuse(MeterNotFound, "meter", meters, known.meters)
    _refuse(FeatureMissing, "feature", features, known.features)
    _refuse(ProductMissing, "product", products, known.products)


def _refuse(refusal: type[DomainError], kind: str, named: Sequence[Named], known: Set[str]) -> None:
    missing = [(field, code) for field, code in named if code not in known]
    if missing:
        broken = [Violation(field, f"there is no {kind} {code!r}", "code.known") for field, code in missing]
        facts = {f"{kind}s": ", ".join(sorted({code for _, code in missing}))}
        raise refusal(f"a {kind} that is named does not exist", facts=facts, violations=broken)
