"""Plans: a name under which immutable versions are sold."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from uuid import UUID

from billing_kernel.errors import Violation
from billing_kernel.period import Interval
from billing_pricing import Flat, PerUnit, Price

from billing_subscriptions.domain.catalog_errors import PlanArchived, PlanVersionArchived
from billing_subscriptions.domain.errors import (
    InvalidName,
    PlanVersionNotPublished,
    PlanVersionPublished,
)
from billing_subscriptions.domain.known import Known, refuse_unknown
from billing_subscriptions.domain.plan_item import (
    ItemKind,
    ItemPrice,
    JsonPrice,
    NewId,
    NewItem,
    PlanItem,
    TaxBehavior,
    Timing,
    check_currency,
    check_items,
    make_item,
)
from billing_subscriptions.domain.plan_terms import check_terms
from billing_subscriptions.domain.policy import Entitlement, PlanTerms

__all__ = [
    "ItemKind",
    "ItemPrice",
    "NewId",
    "NewItem",
    "NewVersion",
    "Plan",
    "PlanItem",
    "PlanVersion",
    "PlanVersionState",
    "TaxBehavior",
    "Timing",
    "archive",
    "archive_version",
    "create",
    "draft",
    "publish",
    "redraft",
    "rename",
    "unit_amount_of",
]

TIERS_MAX = 1000  # of one version: it travels whole in every event of its subscriptions


class PlanVersionState(StrEnum):
    DRAFT = "DRAFT"
    PUBLISHED = "PUBLISHED"
    ARCHIVED = "ARCHIVED"


@dataclass(frozen=True, slots=True)
class Plan:
    """`current_version_id`: the newest published version whose effective time has come, when the plan was read."""

    id: UUID
    code: str
    name: str
    current_version_id: UUID | None
    metadata: Mapping[str, str]
    version: int
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PlanVersion:
    """What is sold, for good once it is published.

    `currency` is the one in which the version is looked at: prices of items and commitments are those of it.
    """

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
    terms: PlanTerms = field(default_factory=PlanTerms)
    archived_at: datetime | None = None

    @property
    def meter_codes(self) -> frozenset[str]:
        """Meters of its items and of its metered entitlements."""
        granted = (each.metered.meter_code for each in self.terms.entitlements if each.metered)
        return frozenset(item.meter_code for item in self.items if item.meter_code) | frozenset(granted)

    @property
    def feature_codes(self) -> frozenset[str]:
        return frozenset(each.feature_code for each in self.terms.entitlements)

    @property
    def product_codes(self) -> frozenset[str]:
        return frozenset(item.product_code for item in self.items if item.product_code)

    def naming(self) -> tuple[list[tuple[str, PlanItem]], list[tuple[str, Entitlement]]]:
        """What may name meters, features and products, each with its field."""
        items = [(f"items[{index}]", item) for index, item in enumerate(self.items)]
        return items, [(f"terms.entitlements[{index}]", each) for index, each in enumerate(self.terms.entitlements)]

    @property
    def currencies(self) -> frozenset[str]:
        """Those in which every item has a price."""
        return frozenset.intersection(*(frozenset(item.prices) for item in self.items))

    @property
    def effective_at(self) -> datetime | None:
        """From when on new subscriptions take it; None for a draft."""
        if self.published_at is None:
            return None
        return max(self.terms.effective_at or self.published_at, self.published_at)

    def in_currency(self, currency: str) -> "PlanVersion":
        """The same version with the prices of that currency. Raises CurrencyMismatch, naming the item."""
        if currency == self.currency:
            return self
        return replace(self, currency=currency, items=tuple(item.in_currency(currency) for item in self.items))


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A plan version as it is asked for."""

    currency: str
    interval: Interval
    items: Sequence[NewItem]
    trial_days: int = 0
    terms: PlanTerms = field(default_factory=PlanTerms)


def create(code: str, name: str, metadata: Mapping[str, str], *, plan_id: UUID, now: datetime) -> Plan:
    """A plan without versions. Raises InvalidName."""
    return Plan(plan_id, code, check_name(name), None, metadata, 1, now, now)


def rename(plan: Plan, name: str, metadata: Mapping[str, str], *, now: datetime) -> Plan:
    """The plan under a new name and labels. Raises InvalidName, PlanArchived."""
    _refuse_archived(plan)
    return replace(plan, name=check_name(name), metadata=metadata, version=plan.version + 1, updated_at=now)


def archive(plan: Plan, *, now: datetime) -> Plan:
    """The plan off the catalogue; itself when it is already."""
    if plan.archived_at is not None:
        return plan
    return replace(plan, current_version_id=None, archived_at=now, version=plan.version + 1, updated_at=now)


def draft(plan: Plan, wanted: NewVersion, *, number: int, new_id: NewId, now: datetime) -> PlanVersion:
    """A draft version.

    Raises PlanArchived, UnknownCurrency, InvalidPlanItem, InvalidPrice, InvalidPlanTerms, which name their fields.
    """
    _refuse_archived(plan)
    _check(wanted)
    return PlanVersion(
        id=new_id(),
        plan_id=plan.id,
        number=number,
        state=PlanVersionState.DRAFT,
        currency=wanted.currency,
        interval=wanted.interval,
        trial_days=wanted.trial_days,
        items=tuple(make_item(item, wanted.currency, new_id) for item in wanted.items),
        created_at=now,
        terms=wanted.terms,
    )


def redraft(plan: Plan, before: PlanVersion, wanted: NewVersion, *, new_id: NewId) -> PlanVersion:
    """The draft with other content. Raises as `draft`, PlanVersionPublished, PlanVersionArchived."""
    refuse_beyond_draft(before)
    made = draft(plan, wanted, number=before.number, new_id=new_id, now=before.created_at)
    return replace(made, id=before.id)


def publish(
    plan: Plan,
    version: PlanVersion,
    *,
    known_meters: frozenset[str] = frozenset(),
    known: Known | None = None,
    now: datetime,
) -> tuple[Plan, PlanVersion]:
    """The plan that sells the version, and the version for good. `known_meters` stands for `known` with meters alone.

    Raises PlanVersionPublished, PlanVersionArchived, PlanArchived, MeterNotFound, FeatureMissing, ProductMissing.
    """
    refuse_beyond_draft(version)
    _refuse_archived(plan)
    refuse_unknown(*version.naming(), known or Known(known_meters))
    published = replace(version, state=PlanVersionState.PUBLISHED, published_at=now)
    current = version.id if published.effective_at == now else plan.current_version_id
    selling = replace(plan, current_version_id=current, version=plan.version + 1, updated_at=now)
    return selling, published


def archive_version(version: PlanVersion, *, now: datetime) -> PlanVersion:
    """The version off the catalogue; itself when it is already. Raises PlanVersionNotPublished."""
    if version.state is PlanVersionState.ARCHIVED:
        return version
    if version.state is PlanVersionState.DRAFT:
        raise PlanVersionNotPublished("a draft is deleted, not archived")
    return replace(version, state=PlanVersionState.ARCHIVED, archived_at=now)


def refuse_beyond_draft(version: PlanVersion) -> None:
    """Raises PlanVersionPublished, PlanVersionArchived."""
    if version.state is PlanVersionState.PUBLISHED:
        raise PlanVersionPublished("the plan version is already published")
    if version.state is PlanVersionState.ARCHIVED:
        raise PlanVersionArchived("the plan version is archived")


def check_name(name: str) -> str:
    """The name itself. Raises InvalidName."""
    if not name.strip():
        raise InvalidName("a name is not empty", violations=[Violation("name", "is not empty", "name.empty")])
    return name


def unit_amount_of(price: Price | object) -> Fraction | None:
    """The one price of a unit, in major units; None where there are several, or something is done to the amount."""
    model = price.model if isinstance(price, Price) else price
    if isinstance(model, Flat):
        return model.amount
    return model.unit_amount if isinstance(model, PerUnit) else None


def _check(wanted: NewVersion) -> None:
    check_currency("currency_code", wanted.currency)
    codes = Counter(item.code for item in wanted.items)
    twice = sorted(code for code, count in codes.items() if count > 1)
    form = [Violation("items", f"{code!r} is used twice", "item.code") for code in twice]
    if sum(map(_tiers, wanted.items)) > TIERS_MAX:
        form.append(Violation("items", f"have more than {TIERS_MAX} tiers in all", "item.tiers"))
    check_items([(f"items[{index}]", item) for index, item in enumerate(wanted.items)], wanted.currency, form)
    check_terms(wanted.terms, wanted.interval, wanted.currency, wanted.items)


def _tiers(item: NewItem) -> int:
    return sum(map(_rows, (item.price, *(price for _, price in item.currency_prices))))


def _rows(price: JsonPrice) -> int:
    """How many rows a price has: tiers, or cells of a matrix."""
    rows = price.get("tiers", price.get("cells"))
    return len(rows) if isinstance(rows, list) else 1


def _refuse_archived(plan: Plan) -> None:
    if plan.archived_at is not None:
        raise PlanArchived("the plan is archived", facts={"plan": plan.code})
