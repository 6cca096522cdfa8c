"""The catalogue as a file: what is wanted against what is, decided without writing. Published versions never change."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeVar
from uuid import UUID

from billing_kernel.errors import DomainError, Violation

from billing_subscriptions.domain.add_on import AddOn, NewAddOn
from billing_subscriptions.domain.catalog_errors import InvalidCatalog
from billing_subscriptions.domain.coupon import Coupon, CouponTerms
from billing_subscriptions.domain.named import Feature, Product, Words
from billing_subscriptions.domain.named_codes import Codes
from billing_subscriptions.domain.plan import NewVersion, Plan, PlanVersion

Document = Mapping[str, object]


class CatalogKind(StrEnum):
    PRODUCT = "PRODUCT"
    FEATURE = "FEATURE"
    PLAN = "PLAN"
    ADD_ON = "ADD_ON"
    COUPON = "COUPON"


class CatalogVerb(StrEnum):
    CREATE = "CREATE"
    NEW_VERSION = "NEW_VERSION"
    UPDATE = "UPDATE"
    UNCHANGED = "UNCHANGED"
    ARCHIVE = "ARCHIVE"


@dataclass(frozen=True, slots=True)
class NamedEntry:
    code: str
    words: Words
    archived: bool = False


@dataclass(frozen=True, slots=True)
class PriceClaim:
    """That the price at `path` of an item in a currency is still the one of this id."""

    path: str
    item_code: str
    currency: str
    price_id: UUID


@dataclass(frozen=True, slots=True)
class PlanEntry:
    """`version` None leaves the versions alone."""

    code: str
    name: str
    metadata: Mapping[str, str]
    version: NewVersion | None = None
    archived: bool = False
    claims: Sequence[PriceClaim] = ()


@dataclass(frozen=True, slots=True)
class AddOnEntry:
    code: str
    content: NewAddOn
    metadata: Mapping[str, str]
    archived: bool = False
    claims: Sequence[PriceClaim] = ()


@dataclass(frozen=True, slots=True)
class CouponEntry:
    code: str
    terms: CouponTerms
    metadata: Mapping[str, str]
    archived: bool = False


@dataclass(frozen=True, slots=True)
class Catalog:
    """What is wanted, in the order of the file."""

    products: Sequence[NamedEntry] = ()
    features: Sequence[NamedEntry] = ()
    plans: Sequence[PlanEntry] = ()
    add_ons: Sequence[AddOnEntry] = ()
    coupons: Sequence[CouponEntry] = ()


@dataclass(frozen=True, slots=True)
class Present:
    """What is, by code, as far as it is wanted. `versions`: the newest published one of each plan, by plan id;
    `numbers`: the greatest number of any. `meters` and `codes`: those that exist."""

    products: Mapping[str, Product] = field(default_factory=dict)
    features: Mapping[str, Feature] = field(default_factory=dict)
    plans: Mapping[str, Plan] = field(default_factory=dict)
    versions: Mapping[UUID, PlanVersion] = field(default_factory=dict)
    numbers: Mapping[UUID, int] = field(default_factory=dict)
    add_ons: Mapping[str, AddOn] = field(default_factory=dict)
    coupons: Mapping[str, Coupon] = field(default_factory=dict)
    meters: frozenset[str] = frozenset()
    codes: Codes = field(default_factory=Codes)


class Describe(Protocol):
    """Values as they stand in a file, by the names of its fields, without ids."""

    def named(self, named: Product | Feature) -> Document: ...

    def plan(self, plan: Plan, version: PlanVersion | None) -> Document: ...

    def add_on(self, add_on: AddOn) -> Document: ...

    def coupon(self, coupon: Coupon) -> Document: ...


@dataclass(frozen=True, slots=True)
class Difference:
    """None: nothing is there."""

    path: str
    before: object
    after: object


Sold = Product | Feature | Plan | AddOn | Coupon


@dataclass(frozen=True, slots=True)
class Action:
    """`after` is what is to be written, None where nothing is; `version` is a plan version to be added, published."""

    kind: CatalogKind
    code: str
    verb: CatalogVerb
    differences: tuple[Difference, ...] = ()
    after: Sold | None = None
    version: PlanVersion | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """What every decision needs."""

    describe: Describe
    new_id: Callable[[], UUID]
    now: datetime


T = TypeVar("T", NamedEntry, PlanEntry, AddOnEntry, CouponEntry)


def check_codes(catalog: Catalog) -> None:
    """Raises InvalidCatalog where a code is written twice."""
    for name in ("products", "features", "plans", "add_ons", "coupons"):
        seen: set[str] = set()
        for index, entry in enumerate(getattr(catalog, name)):
            if entry.code in seen:
                violation = Violation(f"{name}[{index}].code", f"{entry.code!r} is written twice", "catalog.twice")
                raise InvalidCatalog(f"{violation.field}: {violation.description}", violations=[violation])
            seen.add(entry.code)


@contextmanager
def at(path: str) -> Iterator[None]:
    """Refusals inside name their fields from `path` on; one that names none is about all of it."""
    try:
        yield
    except DomainError as error:
        found = [Violation(f"{path}.{each.field}", each.description, each.rule) for each in error.violations]
        broken = found or [Violation(path, error.message, error.reason)]
        message = f"{broken[0].field}: {broken[0].description}"
        raise type(error)(message, facts=error.facts, violations=broken) from error


def differences(before: object, after: object, path: str = "") -> Iterator[Difference]:
    """Where two documents differ, field by field; what one of them does not have is whole."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in sorted({*before, *after}):
            yield from differences(before.get(name), after.get(name), f"{path}.{name}" if path else str(name))
    elif isinstance(before, list) and isinstance(after, list):
        for index in range(max(len(before), len(after))):
            yield from differences(_at(before, index), _at(after, index), f"{path}[{index}]")
    elif before != after:
        yield Difference(path, before, after)


def _at(found: Sequence[object], index: int) -> object:
    return found[index] if index < len(found) else None
