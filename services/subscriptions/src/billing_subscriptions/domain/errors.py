"""Every refusal of this service; those of the catalogue and of migrations are in files of their own.

INVALID          InvalidTaxId, UnknownTimeZone, InvalidParty, InvalidName, InvalidPrice, InvalidPlanItem,
                 InvalidQuantity, InvalidChange, InvalidChangeTime, StartTooOld, AsOfInFuture, InvalidParent,
                 InvalidImport
NOT_FOUND        CustomerNotFound, PlanNotFound, PlanVersionNotFound, SubscriptionNotFound, SubscriptionItemNotFound,
                 ScheduledChangeNotFound, RedemptionNotFound, PartyNotFound
ALREADY_EXISTS   ExternalIdTaken, PlanCodeTaken
PRECONDITION     CustomerArchived, CustomerHasSubscriptions, PlanVersionNotPublished, PlanVersionPublished,
                 PlanVersionArchived, MeterNotFound, SubscriptionIsCanceled, InvalidTransition,
                 ScheduledChangeConflict, RenewalsBehind, NotCanceling, PaymentMethodRequired, CustomerCycle,
                 HierarchyTooDeep, CustomerPaysForOthers, CustomerMismatch, CurrencyMismatch (of the kernel)
CONFLICT         Conflict (of the kernel): the etag is stale
UNAVAILABLE      EntitlementUsageUnavailable
"""

from billing_kernel.errors import AlreadyExists, DomainError, Invalid, Kind, NotFound


class InvalidTaxId(Invalid):
    reason = "INVALID_TAX_ID"


class UnknownTimeZone(Invalid):
    """No such IANA time zone."""

    reason = "UNKNOWN_TIME_ZONE"


class InvalidPrice(Invalid):
    """A price model that is not well formed; the violations say where."""

    reason = "INVALID_PRICE"


class InvalidPlanItem(Invalid):
    """An item whose parts do not fit together; the violations say where."""

    reason = "INVALID_PLAN_ITEM"


class InvalidQuantity(Invalid):
    """A quantity that is no number of seats for this item."""

    reason = "INVALID_QUANTITY"


class InvalidName(Invalid):
    reason = "INVALID_NAME"


class InvalidParty(Invalid):
    reason = "INVALID_PARTY"


class StartTooOld(Invalid):
    reason = "START_TOO_OLD"


class AsOfInFuture(Invalid):
    reason = "AS_OF_IN_FUTURE"


class CustomerNotFound(NotFound):
    reason = "CUSTOMER_NOT_FOUND"


class PartyNotFound(NotFound):
    """No such version of a party."""

    reason = "PARTY_NOT_FOUND"


class PlanNotFound(NotFound):
    reason = "PLAN_NOT_FOUND"


class PlanVersionNotFound(NotFound):
    reason = "PLAN_VERSION_NOT_FOUND"


class SubscriptionNotFound(NotFound):
    reason = "SUBSCRIPTION_NOT_FOUND"


class SubscriptionItemNotFound(NotFound):
    """The subscription has no such item."""

    reason = "SUBSCRIPTION_ITEM_NOT_FOUND"


class ExternalIdTaken(AlreadyExists):
    reason = "EXTERNAL_ID_TAKEN"


class PlanCodeTaken(AlreadyExists):
    reason = "PLAN_CODE_TAKEN"


class _Precondition(DomainError):
    kind = Kind.PRECONDITION


class CustomerArchived(_Precondition):
    reason = "CUSTOMER_ARCHIVED"


class CustomerHasSubscriptions(_Precondition):
    reason = "CUSTOMER_HAS_SUBSCRIPTIONS"


class PlanVersionNotPublished(_Precondition):
    reason = "PLAN_VERSION_NOT_PUBLISHED"


class PlanVersionPublished(_Precondition):
    reason = "PLAN_VERSION_PUBLISHED"


class MeterNotFound(_Precondition):
    """A meter that is named does not exist."""

    reason = "METER_NOT_FOUND"


class SubscriptionIsCanceled(_Precondition):
    """It has ended: canceled or expired."""

    reason = "SUBSCRIPTION_CANCELED"


class InvalidTransition(_Precondition):
    """The table of states forbids it; the facts name `from` and `to`."""

    reason = "INVALID_TRANSITION"


class InvalidChange(Invalid):
    """A change that changes nothing, or whose parts contradict each other."""

    reason = "INVALID_CHANGE"


class InvalidChangeTime(Invalid):
    """Dates in the wrong order, or behind the end of the subscription."""

    reason = "INVALID_CHANGE_TIME"


class ScheduledChangeConflict(_Precondition):
    """Two changes of the same thing at the same instant, or one behind the planned end."""

    reason = "SCHEDULED_CHANGE_CONFLICT"


class ScheduledChangeNotFound(NotFound):
    reason = "SCHEDULED_CHANGE_NOT_FOUND"


class RenewalsBehind(_Precondition):
    """Too many boundaries were not claimed yet; run the renewals, then repeat."""

    reason = "RENEWALS_BEHIND"


class NotCanceling(_Precondition):
    """No cancelation is planned."""

    reason = "NOT_CANCELING"


class RedemptionNotFound(NotFound):
    reason = "REDEMPTION_NOT_FOUND"


class PaymentMethodRequired(_Precondition):
    """The trial of the plan needs a payment method from the start."""

    reason = "PAYMENT_METHOD_REQUIRED"


class PlanVersionArchived(_Precondition):
    """The version is not sold any more; what runs keeps it."""

    reason = "PLAN_VERSION_ARCHIVED"


class EntitlementUsageUnavailable(DomainError):
    """A limit cannot be held against the usage, so nothing is permitted for now."""

    kind = Kind.UNAVAILABLE
    reason = "ENTITLEMENT_USAGE_UNAVAILABLE"


class CustomerCycle(_Precondition):
    """A customer would be its own parent, through others or at once."""

    reason = "CUSTOMER_CYCLE"


class HierarchyTooDeep(_Precondition):
    """More customers above one another than are allowed."""

    reason = "HIERARCHY_TOO_DEEP"


class InvalidParent(Invalid):
    """A parent that pays is named nowhere, or bills by another seller."""

    reason = "INVALID_PARENT"


class CustomerPaysForOthers(_Precondition):
    """The customer is the parent of others that are billed to it."""

    reason = "CUSTOMER_PAYS_FOR_OTHERS"


class InvalidImport(Invalid):
    """What another system says of a subscription contradicts itself; the violation names the field."""

    reason = "INVALID_IMPORT"


class CustomerMismatch(_Precondition):
    """The external id names a subscription of another customer."""

    reason = "CUSTOMER_MISMATCH"
