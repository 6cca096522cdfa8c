"""Creates, changes and archives add-ons."""

from collections.abc import Mapping
from uuid import UUID

from billing_kernel.ids import uuid7

from billing_subscriptions.domain import add_on as rules
from billing_subscriptions.domain.add_on import AddOn, NewAddOn
from billing_subscriptions.domain.etag import check_etag
from billing_subscriptions.domain.known import Known
from billing_subscriptions.domain.named_codes import refuse_unknown_of_add_on
from billing_subscriptions.operations.known import codes_of, known_of
from billing_subscriptions.operations.ports import Meters, UnitOfWork


async def known_meters_of(meters: Meters, wanted: NewAddOn | None) -> frozenset[str]:
    """Which of the meters that it names exist. Raises transient errors of the usage service."""
    if wanted is None:
        return frozenset()
    named = {each.metered.meter_code for each in wanted.entitlements if each.metered} | {wanted.item.meter_code}
    return await meters.known(frozenset(named - {""}))


async def create_add_on(
    uow: UnitOfWork, code: str, wanted: NewAddOn, metadata: Mapping[str, str], meters: frozenset[str]
) -> AddOn:
    """Raises as domain.add_on.create, AddOnCodeTaken."""
    known = await _known(uow, wanted, meters)
    made = rules.create(code, wanted, metadata, known=known, new_id=uuid7, now=await uow.now())
    refuse_unknown_of_add_on(wanted, await codes_of(uow, [wanted]))
    await uow.add_ons.add(made)
    return made


async def update_add_on(
    uow: UnitOfWork,
    add_on_id: UUID,
    wanted: NewAddOn | None,
    metadata: Mapping[str, str] | None,
    *,
    meters: frozenset[str],
    etag: str,
) -> AddOn:
    """None leaves a part as it is. Raises AddOnNotFound, Conflict and as domain.add_on.change."""
    before = await uow.add_ons.lock(add_on_id)
    check_etag(etag, before.version)
    known = await _known(uow, wanted, meters)
    after = rules.change(before, wanted, metadata, known=known, new_id=uuid7, now=await uow.now())
    if wanted is not None:
        refuse_unknown_of_add_on(wanted, await codes_of(uow, [wanted]))
    if after is not before:
        await uow.add_ons.save(after, new_version=after.number > before.number)
    return after


async def archive_add_on(uow: UnitOfWork, add_on_id: UUID, etag: str) -> AddOn:
    """Raises AddOnNotFound, Conflict."""
    before = await uow.add_ons.lock(add_on_id)
    check_etag(etag, before.version)
    after = rules.archive(before, now=await uow.now())
    if after is not before:
        await uow.add_ons.save(after, new_version=False)
    return after


async def _known(uow: UnitOfWork, wanted: NewAddOn | None, meters: frozenset[str]) -> Known:
    if wanted is None:
        return Known()
    features = {each.feature_code for each in wanted.entitlements}
    return await known_of(uow, meters, features, {wanted.item.product_code} - {""})
