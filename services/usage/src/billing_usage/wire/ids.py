"""Ids and instants between text or protobuf and the domain."""

from datetime import UTC, datetime
from typing import ClassVar
from uuid import UUID

from billing_kernel.errors import Invalid, Violation
from billing_kernel.ids import decode, encode
from google.protobuf.timestamp_pb2 import Timestamp

# Seconds of the years 1900 and 9000: what lies between can be shifted without leaving the calendar.
_FIRST_S, _LAST_S = -2_208_988_800, 221_845_392_000


class InvalidTime(Invalid):
    reason: ClassVar[str] = "INVALID_TIME"


def meter_id_from_text(text: str) -> UUID:
    """Raises InvalidId, as all of these."""
    return decode("mtr", text)


def meter_text(meter_id: UUID) -> str:
    return encode("mtr", meter_id)


def subscription_id_from_text(text: str) -> UUID:
    return decode("sub", text)


def subscription_text(subscription_id: UUID) -> str:
    return encode("sub", subscription_id)


def customer_id_from_text(text: str) -> UUID:
    return decode("cus", text)


def customer_text(customer_id: UUID) -> str:
    return encode("cus", customer_id)


def item_id_from_text(text: str) -> UUID:
    return decode("si", text)


def item_text(item_id: UUID) -> str:
    return encode("si", item_id)


def price_id_from_text(text: str) -> UUID:
    return decode("price", text)


def instant_from_pb(stamp: Timestamp, field: str) -> datetime:
    """Aware, in microseconds. Raises InvalidTime outside of 1900 to 9000."""
    if not _FIRST_S <= stamp.seconds < _LAST_S or not 0 <= stamp.nanos < 1_000_000_000:
        violation = Violation(field, "must be an instant between the years 1900 and 9000", "time.range")
        raise InvalidTime(f"{field}: not an instant between the years 1900 and 9000", violations=[violation])
    return stamp.ToDatetime(tzinfo=UTC)


def instant_to_pb(instant: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(instant)
    return stamp
