"""Plans: a name under which immutable versions are sold."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from uuid import UUID

from billing_kernel.errors import DomainError, Violation
from billing_kernel.money import exponent
from billing_kernel.period import Interval
from billing_pricing import Flat, InvalidPriceModel, Model, PerUnit, model_from_json, rate

from billing_subscriptions.domain.errors import (
    InvalidName,
    InvalidPlanItem,
    InvalidPrice,
    MeterNotFound,
    PlanVersionPublished,
)

NewId = Callable[[], UUID]
TIERS_MAX = 1000  # of one version: it travels whole in every event of its subscriptions


class ItemKind(StrEnum):
    FLAT = "FLAT"
    SEAT = "SEAT"
    METERED = "METERED"


class Timing(StrEnum):
    ADVANCE = "ADVANCE"
    ARREARS = "ARREARS"


class TaxBehavior(StrEnum):
    EXCLUSIVE = "EXCLUSIVE"
    INCLUSIVE = "INCLUSIVE"


class PlanVersionState(StrEnum):
    DRAFT = "DRAFT"
    PUBLISHED = "PUBLISHED"


@dataclass(frozen=True, slots=True)
class Plan:
    id: UUID
    code: str
    name: str
    current_version_id: UUID | None
    metadata: Mapping[str, str]
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class NewItem:
    """A plan item as it is asked for; `price` is the JSON object of a price model."""

    code: str
    name: str
    kind: ItemKind
    timing: Timing
    price: Mapping[str, object]
    meter_code: str = ""
    tax_category: str = "digital_service"
    tax_behavior: TaxBehavior = TaxBehavior.EXCLUSIVE


@dataclass(frozen=True, slots=True)
class PlanItem:
    id: UUID
    code: str
    name: str
    kind: ItemKind
    timing: Timing
    model: Model
    price_id: UUID
    meter_code: str
    tax_category: str
    tax_behavior: TaxBehavior


@dataclass(frozen=True, slots=True)
class PlanVersion:
    """What is sold, for good once it is published."""

    id: UUID
    plan_id: UUID
    number: int
    state: PlanVersionState
    currency: str
    interval: Interval
    trial_days: int
    items: tuple[PlanItem, ...]
    created_at: datetime
    published_at: datetime | None = None

    @property
    def meter_codes(self) -> frozenset[str]:
        return frozenset(item.meter_code for item in self.items if item.meter_code)


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A plan version as it is asked for."""

    currency: str
    interval: Interval
    items: Sequence[NewItem]
    trial_days: int = 0


def create(code: str, name: str, metadata: Mapping[str, str], *, plan_id: UUID, now: datetime) -> Plan:
    """A plan without versions. Raises InvalidName."""
    return Plan(plan_id, code, _name(name), None, metadata, 1, now, now)


def rename(plan: Plan, name: str, metadata: Mapping[str, str], *, now: datetime) -> Plan:
    """The plan under a new name and labels. Raises InvalidName."""
    return replace(plan, name=_name(name), metadata=metadata, version=plan.version + 1, updated_at=now)


def draft(plan: Plan, wanted: NewVersion, *, number: int, new_id: NewId, now: datetime) -> PlanVersion:
    """A draft version. Raises UnknownCurrency, InvalidPlanItem, InvalidPrice."""
    exponent(wanted.currency)
    broken = [violation for index, item in enumerate(wanted.items) for violation in _item_violations(index, item)]
    twice = sorted(code for code, count in Counter(item.code for item in wanted.items).items() if count > 1)
    broken += [Violation("items", f"{code!r} is used twice", "item.code") for code in twice]
    if sum(map(_tiers, wanted.items)) > TIERS_MAX:
        broken.append(Violation("items", f"have more than {TIERS_MAX} tiers in all", "item.tiers"))
    if broken:
        raise InvalidPlanItem("an item of the plan version does not fit together", violations=broken)
    items = tuple(_item(index, item, wanted.currency, new_id) for index, item in enumerate(wanted.items))
    return PlanVersion(
        id=new_id(),
        plan_id=plan.id,
        number=number,
        state=PlanVersionState.DRAFT,
        currency=wanted.currency,
        interval=wanted.interval,
        trial_days=wanted.trial_days,
        items=items,
        created_at=now,
    )


def publish(
    plan: Plan, version: PlanVersion, *, known_meters: frozenset[str], now: datetime
) -> tuple[Plan, PlanVersion]:
    """The plan that sells the version, and the version for good. Raises PlanVersionPublished, MeterNotFound."""
    if version.state is PlanVersionState.PUBLISHED:
        raise PlanVersionPublished("the plan version is already published")
    missing = sorted(version.meter_codes - known_meters)
    if missing:
        raise MeterNotFound("the plan version names a meter that does not exist", facts={"meters": ", ".join(missing)})
    published = replace(version, state=PlanVersionState.PUBLISHED, published_at=now)
    selling = replace(plan, current_version_id=version.id, version=plan.version + 1, updated_at=now)
    return selling, published


def _tiers(item: NewItem) -> int:
    tiers = item.price.get("tiers")
    return len(tiers) if isinstance(tiers, list) else 1


def _name(name: str) -> str:
    if not name.strip():
        raise InvalidName("a name is not empty")
    return name


def _item_violations(index: int, item: NewItem) -> list[Violation]:
    """What does not fit together in one item; its price is looked at apart."""
    path = f"items[{index}]"
    metered, flat_price = item.kind is ItemKind.METERED, item.price.get("model") == "flat"
    rules = (
        (metered and item.timing is not Timing.ARREARS, "timing", "metered items are charged in arrears"),
        (metered and not item.meter_code, "meter_code", "a metered item names its meter"),
        (not metered and bool(item.meter_code), "meter_code", "only a metered item names a meter"),
        (item.kind is ItemKind.FLAT and not flat_price, "price", "a flat item has a flat price"),
        (item.kind is not ItemKind.FLAT and flat_price, "price", "a flat price belongs to a flat item"),
    )
    return [Violation(f"{path}.{name}", text, "item.form") for broken, name, text in rules if broken]


def _item(index: int, item: NewItem, currency: str, new_id: NewId) -> PlanItem:
    return PlanItem(
        id=new_id(),
        code=item.code,
        name=item.name,
        kind=item.kind,
        timing=item.timing,
        model=_model(index, item, currency),
        price_id=new_id(),
        meter_code=item.meter_code,
        tax_category=item.tax_category,
        tax_behavior=item.tax_behavior,
    )


def _model(index: int, item: NewItem, currency: str) -> Model:
    """The price of one item; a price whose single unit already overflows is refused now and not at a month's end."""
    path = f"items[{index}].price."
    try:
        model = model_from_json(item.price)
        rate(model, Fraction(1), currency)
    except InvalidPriceModel as error:
        broken = [Violation(path + each.field, each.description, each.rule) for each in error.violations]
        raise InvalidPrice(error.message, violations=broken) from error
    except DomainError as error:
        raise InvalidPrice(error.message, violations=[Violation(path[:-1], error.message, error.reason)]) from error
    return model


def unit_amount_of(model: Model) -> Fraction | None:
    """The one price of a unit, in major units; None where tiers have several."""
    if isinstance(model, Flat):
        return model.amount
    return model.unit_amount if isinstance(model, PerUnit) else None
