"""Products and features: codes with a name, that items and entitlements refer to."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from billing_kernel.errors import DomainError

from billing_subscriptions.domain.catalog_errors import FeatureArchived, ProductArchived
from billing_subscriptions.domain.plan import check_name


@dataclass(frozen=True, slots=True)
class Named:
    """`archived_at` None while it can be referred to."""

    id: UUID
    code: str
    name: str
    description: str
    metadata: Mapping[str, str]
    version: int
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None = None


class Product(Named):
    """What the items of plans and add-ons belong to."""

    __slots__ = ()


class Feature(Named):
    """What an entitlement permits."""

    __slots__ = ()


N = TypeVar("N", Product, Feature)
ARCHIVED: Mapping[type[Named], type[DomainError]] = {Product: ProductArchived, Feature: FeatureArchived}


@dataclass(frozen=True, slots=True)
class Words:
    """What a person writes about a product or a feature."""

    name: str
    description: str = ""
    metadata: Mapping[str, str] | None = None


def create(kind: type[N], code: str, words: Words, *, new_id: UUID, now: datetime) -> N:
    """Raises InvalidName."""
    metadata = dict(words.metadata or {})
    return kind(new_id, code, check_name(words.name), words.description, metadata, 1, now, now)


def describe(before: N, words: Words, *, now: datetime) -> N:
    """Under other words; itself when they are the same. Raises InvalidName, ProductArchived, FeatureArchived."""
    if before.archived_at is not None:
        kind = type(before).__name__.lower()
        raise ARCHIVED[type(before)](f"the {kind} is archived", facts={kind: before.code})
    if words_of(before) == replace(words, metadata=dict(words.metadata or {})):
        return before
    changed = replace(before, name=check_name(words.name), description=words.description)
    return replace(changed, metadata=dict(words.metadata or {}), version=before.version + 1, updated_at=now)


def archive(before: N, *, now: datetime) -> N:
    """Itself when it is archived already."""
    if before.archived_at is not None:
        return before
    return replace(before, archived_at=now, version=before.version + 1, updated_at=now)


def words_of(named: Named) -> Words:
    return Words(named.name, named.description, dict(named.metadata))
