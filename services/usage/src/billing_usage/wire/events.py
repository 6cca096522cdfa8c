"""Domain event -> topic, key, type and payload. The key is the meter."""

from billing.usage.v1 import events_pb2
from billing_runtime.events import Event

from billing_usage.domain.meter import MeterCreated, MeterEvent, MeterUpdated
from billing_usage.wire.meters import meter_facts_to_pb

TOPIC = "billing.usage.v1"
_TYPES = {MeterCreated: events_pb2.MeterCreated, MeterUpdated: events_pb2.MeterUpdated}


def event_of(event: MeterEvent) -> Event:
    """The event as it is published; its sequence is the version of the meter."""
    facts = meter_facts_to_pb(event.meter)
    payload = _TYPES[type(event)](meter=facts)
    return Event(
        topic=TOPIC,
        key=facts.meter_id,
        type=str(payload.DESCRIPTOR.full_name),
        subject=facts.meter_id,
        payload=payload,
        effective_at=event.meter.updated_at,
        sequence=event.meter.version,
    )
