"""What of the catalogue some subscriptions need for their next steps, read at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from billing_kernel.money import CurrencyMismatch

from billing_subscriptions.domain.errors import PlanVersionNotFound
from billing_subscriptions.domain.newer import by_plan
from billing_subscriptions.domain.plan import PlanVersion
from billing_subscriptions.domain.step import AddOnOffer, Offers
from billing_subscriptions.domain.subscription import Change, Subscription
from billing_subscriptions.operations.ports import Catalogue

NO_CHANGES: Sequence[Change] = ()


@dataclass(frozen=True, slots=True)
class Shelf:
    """`versions` by id, and `moving` subscriptions of their plans, in whatever currency they were read.

    `add_ons` by currency.
    """

    versions: Mapping[UUID, PlanVersion]
    moving: Sequence[PlanVersion]
    add_ons: Mapping[str, Mapping[str, AddOnOffer]]
    plan_codes: Mapping[UUID, str]
    _views: dict[str, Offers] = field(default_factory=dict)

    def offers(self, currency: str) -> Offers:
        """All of it as seen in one currency; what has no price in it is left out."""
        found = self._views.get(currency)
        if found is None:
            moving = _in_currency({each.id: each for each in self.moving}, currency)
            versions = _in_currency(self.versions, currency) | moving
            found = Offers(versions, by_plan(moving.values()), self.add_ons.get(currency, {}), self.plan_codes)
            self._views[currency] = found
        return found

    def version(self, version_id: UUID, currency: str) -> PlanVersion:
        """As seen in the currency. Raises PlanVersionNotFound, CurrencyMismatch."""
        if version_id not in self.versions:
            raise PlanVersionNotFound("there is no such plan version")
        return self.versions[version_id].in_currency(currency)


async def shelf_for(
    catalogue: Catalogue,
    subscriptions: Sequence[Subscription],
    changes: Sequence[Change] = NO_CHANGES,
) -> Shelf:
    """What the subscriptions, their scheduled changes and the wanted `changes` name.

    Raises PlanVersionNotFound and CurrencyMismatch for what the wanted changes name.
    """
    planned = [(each.currency, scheduled.change) for each in subscriptions for scheduled in each.scheduled]
    planned += [(each.currency, change) for each in subscriptions for change in changes]
    shelf = await read_shelf(catalogue, {each.plan_version_id for each in subscriptions}, planned)
    for change in changes:
        if change.plan_version_id is not None:
            for each in subscriptions:
                shelf.version(change.plan_version_id, each.currency)
    return shelf


def wanted_versions(changes: Iterable[Change]) -> frozenset[UUID]:
    """The plan versions that they name."""
    return frozenset(each.plan_version_id for each in changes if each.plan_version_id is not None)


async def read_shelf(catalogue: Catalogue, version_ids: Iterable[UUID], planned: Sequence[tuple[str, Change]]) -> Shelf:
    """The versions, and what (currency, change) pairs name beside them."""
    wanted = {*version_ids, *wanted_versions(each for _, each in planned)}
    versions, moving = await catalogue.sold(wanted)
    add_ons, plan_codes = await _add_ons(catalogue, planned, versions)
    return Shelf(versions, moving, add_ons, plan_codes)


async def _add_ons(
    catalogue: Catalogue, planned: Iterable[tuple[str, Change]], versions: Mapping[UUID, PlanVersion]
) -> tuple[Mapping[str, Mapping[str, AddOnOffer]], Mapping[UUID, str]]:
    codes: dict[str, set[str]] = {}
    for currency, change in planned:
        if change.add_ons:
            codes.setdefault(currency, set()).update(change.add_ons)
    if not codes:
        return {}, {}
    found = {currency: await catalogue.add_ons(wanted, currency) for currency, wanted in codes.items()}
    return found, await catalogue.plan_codes({each.plan_id for each in versions.values()})


def _in_currency(versions: Mapping[UUID, PlanVersion], currency: str) -> dict[UUID, PlanVersion]:
    found: dict[UUID, PlanVersion] = {}
    for key, version in versions.items():
        try:
            found[key] = version.in_currency(currency)
        except CurrencyMismatch:
            continue  # of a subscription in another currency
    return found
