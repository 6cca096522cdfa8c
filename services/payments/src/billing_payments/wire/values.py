"""Ids, instants and amounts between protobuf and domain."""

from datetime import UTC, datetime
from uuid import UUID

from billing.common.v1.money_pb2 import Money as MoneyMessage
from billing_kernel.errors import Violation
from billing_kernel.ids import decode, encode
from billing_kernel.money import Money
from google.protobuf.timestamp_pb2 import Timestamp

from billing_payments.domain.errors import InvalidTime

CUSTOMER, INVOICE, SUBSCRIPTION, PAYMENT, ATTEMPT, METHOD = "cus", "inv", "sub", "pay", "att", "pm"

# Seconds of 1900-01-01 and 9000-01-01: every zone can still show what lies between.
_FIRST_S, _LAST_S = -2_208_988_800, 221_845_392_000


def id_from_pb(prefix: str, text: str) -> UUID:
    """Raises InvalidId."""
    return decode(prefix, text)


def optional_id_from_pb(prefix: str, text: str) -> UUID | None:
    """None for a filter that is not set. Raises InvalidId."""
    return decode(prefix, text) if text else None


def id_to_pb(prefix: str, uuid: UUID) -> str:
    return encode(prefix, uuid)


def instant_from_pb(stamp: Timestamp, field: str) -> datetime:
    """Aware, in microseconds. Raises InvalidTime outside of 1900 to 9000."""
    if not _FIRST_S <= stamp.seconds < _LAST_S or not 0 <= stamp.nanos < 1_000_000_000:
        broken = Violation(field, "an instant between the years 1900 and 9000", "instant.range")
        raise InvalidTime("the instant is out of range", violations=[broken])
    return stamp.ToDatetime(tzinfo=UTC)


def instant_to_pb(instant: datetime | None) -> Timestamp | None:
    """None stays unset."""
    if instant is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(instant)
    return stamp


def money_from_pb(message: MoneyMessage) -> Money:
    """Raises UnknownCurrency."""
    return Money(message.currency_code, message.amount_minor)


def money_to_pb(money: Money) -> MoneyMessage:
    return MoneyMessage(currency_code=money.currency, amount_minor=money.minor)
