"""UpdateMeter."""

from uuid import UUID

from billing_usage.domain.meter import Meter, MeterChange, change_meter
from billing_usage.operations.ports import MeterStore


async def update_meter(store: MeterStore, meter_id: UUID, change: MeterChange, etag: str) -> Meter:
    """Changes and publishes a meter. Raises MeterNotFound, Conflict, InvalidMeter."""
    before = await store.lock_meter(meter_id)
    after, event = change_meter(before, change, etag, now=await store.now())
    await store.save_meter(after)
    await store.publish(event)
    return after
