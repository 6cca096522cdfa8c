"""Cuts a batch of events into runs of one tenant and one type, without ever reordering the events of a key."""

from collections.abc import Sequence
from uuid import UUID

from billing_runtime.events import Received

Run = list[Received]
TenantKey = tuple[UUID, str]


def tenant_key(event: Received) -> TenantKey:
    return event.tenant_id, event.key


def runs(batch: Sequence[Received], run_max: int) -> list[Run]:
    """Runs in the order in which they must be done, each at most `run_max` events of one tenant and type.

    An event joins the youngest run of its kind unless an earlier event of its key sits in a later run.
    """
    made: list[Run] = []
    youngest: dict[tuple[UUID, str], int] = {}
    last_of_key: dict[TenantKey, int] = {}
    for event in batch:
        kind = (event.tenant_id, event.type)
        place = youngest.get(kind, -1)
        if place < last_of_key.get(tenant_key(event), 0) or place < 0 or len(made[place]) >= run_max:
            place = youngest[kind] = len(made)
            made.append([])
        made[place].append(event)
        last_of_key[tenant_key(event)] = place
    return made
