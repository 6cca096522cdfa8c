"""Ids, instants and text between protobuf and domain."""

from datetime import UTC, datetime
from uuid import UUID

from billing_kernel.errors import Invalid
from billing_kernel.ids import decode, encode
from google.protobuf.timestamp_pb2 import Timestamp

from billing_tax.domain.errors import bad_field

SELLER, CUSTOMER, REGISTRATION, EXEMPTION = "sel", "cus", "reg", "exm"

# Seconds of 1900-01-01 and 9000-01-01: every zone can still show what lies between.
_FIRST_S, _LAST_S = -2_208_988_800, 221_845_392_000


class InvalidTime(Invalid):
    reason = "INVALID_TIME"


def id_from_pb(prefix: str, text: str) -> UUID:
    """Raises InvalidId."""
    return decode(prefix, text)


def id_to_pb(prefix: str, uuid: UUID) -> str:
    return encode(prefix, uuid)


def instant_from_pb(stamp: Timestamp, field: str) -> datetime:
    """Aware, in microseconds. Raises InvalidTime outside of 1900 to 9000."""
    if not _FIRST_S <= stamp.seconds < _LAST_S or not 0 <= stamp.nanos < 1_000_000_000:
        raise bad_field(InvalidTime, field, "an instant between the years 1900 and 9000")
    return stamp.ToDatetime(tzinfo=UTC)


def instant_to_pb(instant: datetime | None) -> Timestamp | None:
    """None stays unset."""
    if instant is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(instant)
    return stamp
