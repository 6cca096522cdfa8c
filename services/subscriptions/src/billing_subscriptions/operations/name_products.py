"""Creates, describes and archives products and features."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from billing_kernel.ids import uuid7

from billing_subscriptions.domain import named as rules
from billing_subscriptions.domain.etag import check_etag
from billing_subscriptions.domain.named import N, Words
from billing_subscriptions.operations.catalog_ports import NamedStore


async def create_named(store: NamedStore[N], kind: type[N], code: str, words: Words, *, now: datetime) -> N:
    """Raises ProductCodeTaken, FeatureCodeTaken, InvalidName."""
    made = rules.create(kind, code, words, new_id=uuid7(), now=now)
    await store.add(made)
    return made


async def update_named(
    store: NamedStore[N],
    named_id: UUID,
    *,
    name: str | None,
    description: str | None,
    metadata: Mapping[str, str] | None,
    etag: str,
    now: datetime,
) -> N:
    """None leaves a field as it is. Raises NotFound, Archived, Conflict, InvalidName."""
    before = await store.lock(named_id)
    check_etag(etag, before.version)
    words = Words(
        before.name if name is None else name,
        before.description if description is None else description,
        before.metadata if metadata is None else metadata,
    )
    after = rules.describe(before, words, now=now)
    if after is not before:
        await store.save(after)
    return after


async def archive_named(store: NamedStore[N], named_id: UUID, *, etag: str, now: datetime) -> N:
    """Raises NotFound, Conflict."""
    before = await store.lock(named_id)
    check_etag(etag, before.version)
    after = rules.archive(before, now=now)
    if after is not before:
        await store.save(after)
    return after
