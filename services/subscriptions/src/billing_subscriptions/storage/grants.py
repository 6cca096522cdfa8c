"""What a customer's subscriptions grant, read in one transaction, and as JSON for the shared cache."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any
from uuid import UUID

from billing_kernel.cycle import Cycle, FirstStub
from billing_kernel.errors import DomainError
from billing_kernel.period import Interval, Period
from billing_runtime.transaction import Transaction

from billing_subscriptions.domain.entitlement import CustomerGrants, Granting, times
from billing_subscriptions.domain.errors import CustomerNotFound
from billing_subscriptions.domain.plan import PlanVersion
from billing_subscriptions.domain.policy import Entitlement, PastDueAccess
from billing_subscriptions.domain.subscription import State, Subscription
from billing_subscriptions.storage.plan_rows import version_from_row
from billing_subscriptions.storage.statements import row, rows
from billing_subscriptions.storage.subscription_rows import subscription_from_row
from billing_subscriptions.storage.terms_json import entitlement_from_json, entitlement_to_json

AddOns = Mapping[UUID, tuple[Entitlement, ...]]  # by the id of their item

_EXISTS = "SELECT FROM customer WHERE customer_id = %s"
_SUBSCRIPTIONS = "SELECT * FROM subscription WHERE customer_id = %s AND state NOT IN ('CANCELED', 'EXPIRED')"
_VERSIONS = "SELECT * FROM plan_version WHERE plan_version_id = ANY(%s)"
_ADD_ONS = """
SELECT v.item ->> 'plan_item_id' AS item_id, v.terms -> 'entitlements' AS entitlements
FROM add_on AS a JOIN add_on_version AS v USING (tenant_id, add_on_id) WHERE a.code = ANY(%s)
"""


async def read_grants(tx: Transaction, customer_id: UUID) -> CustomerGrants:
    """Raises CustomerNotFound."""
    if await row(tx, _EXISTS, customer_id) is None:
        raise CustomerNotFound("there is no such customer")
    found = [subscription_from_row(each) for each in await rows(tx, _SUBSCRIPTIONS, customer_id)]
    ids = list({each.plan_version_id for each in found})
    versions = {each.id: each for each in map(version_from_row, await rows(tx, _VERSIONS, ids) if ids else ())}
    add_ons = await _add_ons(tx, {item.add_on_code for each in found for item in each.items if item.add_on_code})
    return CustomerGrants(customer_id, tuple(granting(each, versions[each.plan_version_id], add_ons) for each in found))


def granting(of: Subscription, version: PlanVersion, add_ons: AddOns) -> Granting:
    """A subscription as far as entitlements go."""
    own = [
        times(entitlement, Fraction(1) if item.quantity is None else item.quantity)
        for item in of.items
        if item.add_on_code
        for entitlement in add_ons.get(item.plan_item_id, ())
    ]
    stops = [at for at in (of.ends_at, of.pause.since if of.pause else None) if at is not None]
    return Granting(
        subscription_id=of.id,
        state=of.state,
        started_at=of.started_at,
        zone=of.zone,
        period=of.period,
        cycle=of.cycle(version.interval),
        stops_at=min(stops, default=None),
        access=version.terms.past_due_access,
        entitlements=(*version.terms.entitlements, *own),
    )


async def _add_ons(tx: Transaction, codes: Iterable[str]) -> AddOns:
    wanted = list(codes)
    if not wanted:
        return {}
    found = await rows(tx, _ADD_ONS, wanted)
    return {UUID(each["item_id"]): tuple(map(entitlement_from_json, each["entitlements"] or ())) for each in found}


def grants_to_json(grants: CustomerGrants) -> bytes:
    subscriptions = [_granting_to_json(each) for each in grants.subscriptions]
    return json.dumps({"customer_id": str(grants.customer_id), "subscriptions": subscriptions}).encode()


def grants_from_json(raw: bytes) -> CustomerGrants:
    """Raises ValueError for bytes that are none."""
    try:
        found = json.loads(raw)
        return CustomerGrants(UUID(found["customer_id"]), tuple(map(_granting_from_json, found["subscriptions"])))
    except (KeyError, TypeError, AttributeError, DomainError) as error:
        raise ValueError("not the grants of a customer") from error


def _granting_to_json(of: Granting) -> dict[str, Any]:
    cycle = of.cycle
    return {
        "subscription_id": str(of.subscription_id),
        "state": of.state.value,
        "started_at": of.started_at.isoformat(),
        "zone": of.zone,
        "period": [of.period.start.isoformat(), of.period.end.isoformat()],
        "cycle": [
            cycle.anchor.isoformat(),
            cycle.interval.unit,
            cycle.interval.count,
            cycle.start.isoformat(),
            cycle.first_stub.value,
        ],
        "stops_at": of.stops_at.isoformat() if of.stops_at else None,
        "access": of.access.value,
        "entitlements": [entitlement_to_json(each) for each in of.entitlements],
    }


def _granting_from_json(found: Mapping[str, Any]) -> Granting:
    at = datetime.fromisoformat
    anchor, unit, count, start, stub = found["cycle"]
    return Granting(
        subscription_id=UUID(found["subscription_id"]),
        state=State(found["state"]),
        started_at=at(found["started_at"]),
        zone=found["zone"],
        period=Period(at(found["period"][0]), at(found["period"][1])),
        cycle=Cycle(at(anchor), found["zone"], Interval(unit, count), at(start), FirstStub(stub)),
        stops_at=at(found["stops_at"]) if found["stops_at"] else None,
        access=PastDueAccess(found["access"]),
        entitlements=tuple(map(entitlement_from_json, found["entitlements"])),
    )
