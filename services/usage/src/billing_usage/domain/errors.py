"""Every refusal of this service.

MeterNotFound, SubscriptionNotFound, EventNotFound   NOT_FOUND
MeterCodeTaken                                       ALREADY_EXISTS
InvalidMeter                                         INVALID   a change that would leave a meter without a name
InvalidCloudEvents, UnsupportedContentType           INVALID   the whole body of IngestCloudEvents
TooManyEvents                                        PRECONDITION   of one item whose price needs each event by itself
Refusal                                              not an exception: why one item of a batch was refused
"""

from typing import ClassVar, NamedTuple

from billing_kernel.errors import AlreadyExists, DomainError, Invalid, Kind, NotFound


class MeterNotFound(NotFound):
    reason: ClassVar[str] = "METER_NOT_FOUND"


class SubscriptionNotFound(NotFound):
    reason: ClassVar[str] = "SUBSCRIPTION_NOT_FOUND"


class EventNotFound(NotFound):
    reason: ClassVar[str] = "EVENT_NOT_FOUND"


class MeterCodeTaken(AlreadyExists):
    reason: ClassVar[str] = "METER_CODE_TAKEN"


class InvalidMeter(Invalid):
    reason: ClassVar[str] = "INVALID_METER"


class InvalidCloudEvents(Invalid):
    """The body is not CloudEvents JSON."""

    reason: ClassVar[str] = "INVALID_CLOUD_EVENTS"


class UnsupportedContentType(Invalid):
    reason: ClassVar[str] = "UNSUPPORTED_CONTENT_TYPE"


class TooManyEvents(DomainError):
    """The price of an item needs each event by itself, and there are too many of them."""

    kind: ClassVar[Kind] = Kind.PRECONDITION
    reason: ClassVar[str] = "TOO_MANY_EVENTS"


class Refusal(NamedTuple):
    """Why one item of a batch was refused: a stable reason, one sentence, and the field where one is wrong."""

    reason: str
    message: str
    field: str = ""
