"""CreateMeter."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from billing_usage.domain.meter import Aggregation, Meter, MeterCreated
from billing_usage.operations.ports import MeterStore


@dataclass(frozen=True, slots=True)
class NewMeter:
    """What a caller decides about a meter."""

    code: str
    name: str
    unit: str
    aggregation: Aggregation
    metadata: Mapping[str, str]


async def create_meter(store: MeterStore, meter_id: UUID, new: NewMeter) -> Meter:
    """Stores and publishes a meter. Raises MeterCodeTaken."""
    now = await store.now()
    meter = Meter(meter_id, new.code, new.name, new.unit, new.aggregation, dict(new.metadata), 1, now, now)
    await store.add_meter(meter)
    await store.publish(MeterCreated(meter))
    return meter
