"""Every refusal of this service: what a caller may do about it (kind), and what happened (reason).

NotFound        SELLER, INVOICE, BILLING_RUN, PARKED_DUE, SUBSCRIPTION, ACCOUNT_CREDIT, each _NOT_FOUND
AlreadyExists   NUMBER_PREFIX_TAKEN, TEST_CLOCK_EXISTS
Invalid         UNKNOWN_TIME_ZONE, INVALID_PARTY, AMOUNT_NOT_POSITIVE
Precondition    the state of the thing, the clock or the tenant does not allow it (yet)
"""

from typing import ClassVar

from billing_kernel.errors import AlreadyExists, DomainError, Invalid, Kind, NotFound


class Precondition(DomainError):
    """The request is right; what it is about is in another state."""

    kind: ClassVar[Kind] = Kind.PRECONDITION
    reason: ClassVar[str] = "PRECONDITION"


class SellerNotFound(NotFound):
    reason = "SELLER_NOT_FOUND"


class NoSellerYet(Precondition):
    """A run needs a seller to bill for."""

    reason = "SELLER_NOT_FOUND"


class NumberPrefixTaken(AlreadyExists):
    reason = "NUMBER_PREFIX_TAKEN"


class UnknownTimeZone(Invalid):
    reason = "UNKNOWN_TIME_ZONE"


class InvalidParty(Invalid):
    reason = "INVALID_PARTY"


class InvoiceNotFound(NotFound):
    reason = "INVOICE_NOT_FOUND"


class InvoiceNotDraft(Precondition):
    reason = "INVOICE_NOT_DRAFT"


class InvoiceNotFinal(Precondition):
    reason = "INVOICE_NOT_FINAL"


class InvoiceNotOpen(Precondition):
    reason = "INVOICE_NOT_OPEN"


class InvoiceIsPaid(Precondition):
    reason = "INVOICE_PAID"


class InvoiceIsVoid(Precondition):
    reason = "INVOICE_VOID"


class InvoiceCredited(Precondition):
    """Another invoice gives back a line of this one."""

    reason = "INVOICE_CREDITED"


class AccountCreditNotFound(NotFound):
    reason = "ACCOUNT_CREDIT_NOT_FOUND"


class PaymentExceedsDue(Precondition):
    reason = "PAYMENT_EXCEEDS_DUE"


class AmountNotPositive(Invalid):
    reason = "AMOUNT_NOT_POSITIVE"


class BillingRunNotFound(NotFound):
    reason = "BILLING_RUN_NOT_FOUND"


class AsOfInFuture(Precondition):
    reason = "AS_OF_IN_FUTURE"


class ParkedDueNotFound(NotFound):
    reason = "PARKED_DUE_NOT_FOUND"


class SubscriptionNotFound(NotFound):
    reason = "SUBSCRIPTION_NOT_FOUND"


class NothingToBill(Precondition):
    reason = "NOTHING_TO_BILL"


class DueRefused(Precondition):
    """A due that cannot be invoiced; `reason` is that of what refused it."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason  # type: ignore[misc]  # per instance: the reason is the refusing part's


class NotCaughtUp(DomainError):
    """Another service has not seen yet what this due is about: ask again later."""

    kind: ClassVar[Kind] = Kind.NOT_CAUGHT_UP
    reason: ClassVar[str] = "NOT_CAUGHT_UP"


class NoTestClock(Precondition):
    reason = "NO_TEST_CLOCK"


class ClockExists(AlreadyExists):
    reason = "TEST_CLOCK_EXISTS"


class ClockMovesBackwards(Precondition):
    reason = "CLOCK_MOVES_BACKWARDS"


class ClockIsMoving(Precondition):
    reason = "CLOCK_IS_MOVING"
