"""Events on their way out and in: CloudEvents 1.0 in Kafka binary mode, the value is the protobuf message."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import ClassVar
from uuid import UUID

from billing_kernel.errors import DomainError, Kind
from billing_kernel.ids import uuid7
from google.protobuf.message import Message

from billing_runtime.personal import without_personal

PAYLOAD_BYTES_MAX = 900 * 1024
CONTENT_TYPE = "application/protobuf"

Headers = list[tuple[str, bytes]]


class EventTooLarge(DomainError):
    """A payload beyond 900 KiB would block its shard for ever: the writer splits it instead."""

    kind: ClassVar[Kind] = Kind.INVALID
    reason: ClassVar[str] = "EVENT_TOO_LARGE"


class UnreadableEvent(DomainError):
    """A Kafka record that lacks what every event of the mesh carries."""

    kind: ClassVar[Kind] = Kind.INVALID
    reason: ClassVar[str] = "EVENT_UNREADABLE"


@dataclass(frozen=True, slots=True)
class Event:
    """What a service publishes. Events of one (topic, key) reach every consumer in the order of publishing."""

    topic: str
    key: str
    type: str  # "billing.invoicing.v1.InvoiceFinalized"
    subject: str  # id of the aggregate
    payload: Message
    effective_at: datetime  # aware, business time
    sequence: int = 0  # version of the aggregate
    id: UUID = field(default_factory=uuid7)


@dataclass(frozen=True, slots=True)
class Received:
    """What a consumer gets; `payload` are the bytes of the message of its type."""

    topic: str
    key: str
    type: str
    id: UUID
    tenant_id: UUID
    actor: str
    subject: str
    correlation_id: str
    causation_id: str | None
    sequence: int
    effective_at: datetime
    traceparent: str | None
    payload: bytes


@dataclass(frozen=True, slots=True)
class Record:
    """One Kafka record as the `Producer` port takes it."""

    topic: str
    key: bytes
    value: bytes
    headers: Headers


def rfc3339(instant: datetime) -> str:
    """UTC with microseconds, "2026-01-31T10:00:00.000000Z"."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def source_of(event_type: str) -> str:
    """The service that writes a type: `billing.invoicing.v1.X` comes from `/billing/invoicing`."""
    return "/" + "/".join(event_type.split(".")[:2])


def record_of(event: Received, written_at: datetime, extra: Mapping[str, str] | None = None) -> Record:
    """The Kafka record of an event; `written_at` is wall time (ce_time), `extra` are further headers."""
    texts = {
        "content-type": CONTENT_TYPE,
        "ce_specversion": "1.0",
        "ce_id": str(event.id),
        "ce_type": event.type,
        "ce_source": source_of(event.type),
        "ce_time": rfc3339(written_at),
        "ce_subject": event.subject,
        "ce_tenant": str(event.tenant_id),
        "ce_actor": event.actor,
        "ce_correlationid": event.correlation_id,
        "ce_causationid": event.causation_id,
        "ce_sequence": str(event.sequence),
        "ce_effectiveat": rfc3339(event.effective_at),
        "traceparent": event.traceparent,
        **(extra or {}),
    }
    headers = [(name, text.encode()) for name, text in texts.items() if text is not None]
    return Record(event.topic, event.key.encode(), event.payload, headers)


def received_of(topic: str, key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes]]) -> Received:
    """The event in a Kafka record. Raises UnreadableEvent when a header is missing or malformed."""
    try:
        texts = {name: text.decode() for name, text in headers if text is not None}
        return Received(
            topic=topic,
            key=(key or b"").decode(),
            type=texts["ce_type"],
            id=UUID(texts["ce_id"]),
            tenant_id=UUID(texts["ce_tenant"]),
            actor=texts["ce_actor"],
            subject=texts["ce_subject"],
            correlation_id=texts["ce_correlationid"],
            causation_id=texts.get("ce_causationid"),
            sequence=int(texts["ce_sequence"]),
            effective_at=_instant(texts["ce_effectiveat"]),
            traceparent=texts.get("traceparent"),
            payload=value or b"",
        )
    except (KeyError, ValueError) as error:
        raise UnreadableEvent("the record lacks a valid CloudEvents header", facts={"topic": topic}) from error


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("an instant without a zone")
    return instant


def payload_bytes(event: Event) -> bytes:
    """Deterministic bytes of the message without its personal fields. Raises EventTooLarge."""
    payload = without_personal(event.payload).SerializeToString(deterministic=True)
    if len(payload) > PAYLOAD_BYTES_MAX:
        raise EventTooLarge("the event is larger than 900 KiB", facts={"type": event.type, "bytes": str(len(payload))})
    return payload


def dead_letter_topic(topic: str) -> str:
    return f"{topic}.dead-letter"


def with_dead_letters(topics: Sequence[str]) -> list[str]:
    return [*topics, *(dead_letter_topic(topic) for topic in topics)]
