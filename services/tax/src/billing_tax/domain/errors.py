"""Every refusal of this service.

UnknownTaxCategory     INVALID         no such tax category
UnknownPlace           INVALID         no such country, or a region without which no tax can be named
InvalidTaxNumber       INVALID         the seller's number is not well formed for that country
InvalidPeriod          INVALID         a registration or exemption ends before it starts
NoRateOnDate           PRECONDITION    the supply date lies before the first rate in the table
RegistrationEnded, ExemptionEnded      PRECONDITION    it has an end already
RegistrationOverlaps   ALREADY_EXISTS  the seller has a registration there in that time
RegistrationNotFound, ExemptionNotFound   NOT_FOUND
"""

from billing_kernel.errors import AlreadyExists, DomainError, Invalid, Kind, NotFound, Violation


class UnknownTaxCategory(Invalid):
    """No such tax category."""

    reason = "UNKNOWN_TAX_CATEGORY"


class UnknownPlace(Invalid):
    """No such country, or a region is missing or unknown."""

    reason = "UNKNOWN_PLACE"


class InvalidTaxNumber(Invalid):
    reason = "INVALID_TAX_NUMBER"


class InvalidPeriod(Invalid):
    """Ends before it starts."""

    reason = "INVALID_PERIOD"


class NoRateOnDate(DomainError):
    """The table of rates begins later."""

    kind = Kind.PRECONDITION
    reason = "NO_RATE_ON_DATE"


class RegistrationEnded(DomainError):
    kind = Kind.PRECONDITION
    reason = "REGISTRATION_ENDED"


class ExemptionEnded(DomainError):
    kind = Kind.PRECONDITION
    reason = "EXEMPTION_ENDED"


class RegistrationOverlaps(AlreadyExists):
    reason = "REGISTRATION_OVERLAPS"


class RegistrationNotFound(NotFound):
    reason = "REGISTRATION_NOT_FOUND"


class ExemptionNotFound(NotFound):
    reason = "EXEMPTION_NOT_FOUND"


def bad_field(refusal: type[DomainError], field: str, message: str) -> DomainError:
    """A refusal that points at one field of the request."""
    return refusal(message, facts={"field": field}, violations=[Violation(field, message, refusal.reason)])
