"""Every refusal of this service.

INVALID        UnknownGateway, UnknownToken, CardNumberRefused, DefaultRequired, AsOfInFuture, InvalidTime
NOT_FOUND      PaymentMethodNotFound, PaymentNotFound
PRECONDITION   MethodIsDetached, NotRetryable, NoPaymentMethod, NeedsNoAction
CONFLICT       Conflict (of the kernel): the etag is stale
UNAVAILABLE    GatewayUnclear: stays inside; callers see a payment in state UNKNOWN
"""

from billing_kernel.errors import DomainError, Invalid, Kind, NotFound


class UnknownGateway(Invalid):
    reason = "UNKNOWN_GATEWAY"


class UnknownToken(Invalid):
    reason = "UNKNOWN_TOKEN"


class CardNumberRefused(Invalid):
    reason = "CARD_NUMBER_REFUSED"


class DefaultRequired(Invalid):
    reason = "DEFAULT_REQUIRED"


class AsOfInFuture(Invalid):
    reason = "AS_OF_IN_FUTURE"


class InvalidTime(Invalid):
    reason = "INVALID_TIME"


class PaymentMethodNotFound(NotFound):
    reason = "PAYMENT_METHOD_NOT_FOUND"


class PaymentNotFound(NotFound):
    reason = "PAYMENT_NOT_FOUND"


class _Precondition(DomainError):
    kind = Kind.PRECONDITION


class MethodIsDetached(_Precondition):
    reason = "PAYMENT_METHOD_DETACHED"


class NotRetryable(_Precondition):
    reason = "PAYMENT_NOT_RETRYABLE"


class NoPaymentMethod(_Precondition):
    reason = "NO_PAYMENT_METHOD"


class NeedsNoAction(_Precondition):
    reason = "PAYMENT_NEEDS_NO_ACTION"


class GatewayUnclear(DomainError):
    """The gateway gave no clear answer: the charge may or may not have been made."""

    kind = Kind.UNAVAILABLE
    reason = "GATEWAY_UNCLEAR"
