"""The rules of a plan version as named settings, each with a default; the API says which a call may replace."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from fractions import Fraction

from billing_kernel.cycle import FirstStub, calendar_anchor, day_anchor
from billing_kernel.money import Money
from billing_kernel.period import Interval
from billing_kernel.proration import Proration
from billing_kernel.rounding import Rounding

from billing_subscriptions.domain.plan_item import TaxBehavior

BY_SECONDS = Proration()


class ChangeKind(StrEnum):
    """What a change is. In this order of weight: the first kind of a change names it in the history."""

    INTERVAL_CHANGE = "INTERVAL_CHANGE"  # to a version with another interval; a new period begins with the change
    UPGRADE = "UPGRADE"  # to a version or price that costs more a period
    DOWNGRADE = "DOWNGRADE"  # to one that costs the same or less
    QUANTITY_UP = "QUANTITY_UP"
    QUANTITY_DOWN = "QUANTITY_DOWN"
    ITEM_ADDED = "ITEM_ADDED"
    ITEM_REMOVED = "ITEM_REMOVED"


class ChangeWhen(StrEnum):
    NOW = "NOW"
    PERIOD_END = "PERIOD_END"
    ON_DATE = "ON_DATE"


class Settlement(StrEnum):
    NEXT_INVOICE = "NEXT_INVOICE"  # charges and credits wait for the next invoice of the subscription
    AT_ONCE = "AT_ONCE"  # they are invoiced at once, with all that waits
    NO_CREDIT = "NO_CREDIT"  # charges wait for the next invoice, nothing is given back


@dataclass(frozen=True, slots=True)
class ChangeRule:
    """The rule of one kind of change. `when` of a plan is NOW or PERIOD_END; ON_DATE only comes by call."""

    when: ChangeWhen = ChangeWhen.NOW
    proration: Proration = BY_SECONDS
    settlement: Settlement = Settlement.NEXT_INVOICE


MATRIX_DEFAULTS: Mapping[ChangeKind, ChangeRule] = {
    ChangeKind.INTERVAL_CHANGE: ChangeRule(settlement=Settlement.AT_ONCE),
    ChangeKind.UPGRADE: ChangeRule(),
    ChangeKind.DOWNGRADE: ChangeRule(ChangeWhen.PERIOD_END),
    ChangeKind.QUANTITY_UP: ChangeRule(),
    ChangeKind.QUANTITY_DOWN: ChangeRule(ChangeWhen.PERIOD_END),
    ChangeKind.ITEM_ADDED: ChangeRule(),
    ChangeKind.ITEM_REMOVED: ChangeRule(ChangeWhen.PERIOD_END),
}
assert set(MATRIX_DEFAULTS) == set(ChangeKind)


class AlignmentKind(StrEnum):
    ANNIVERSARY = "ANNIVERSARY"
    CALENDAR = "CALENDAR"
    ANCHOR_DAY = "ANCHOR_DAY"


@dataclass(frozen=True, slots=True)
class Alignment:
    """Where periods begin. `day` (1 to 31) and `month` (1 to 12, only for years) belong to ANCHOR_DAY."""

    kind: AlignmentKind = AlignmentKind.ANNIVERSARY
    day: int | None = None
    month: int | None = None
    first_stub: FirstStub = FirstStub.SHORT

    def anchor(self, start: datetime, zone: str, interval: Interval) -> datetime:
        """The anchor of a cycle that starts at `start`, at or before it. Raises InvalidAnchor, UnknownZone."""
        if self.kind is AlignmentKind.ANNIVERSARY:
            return start
        if self.kind is AlignmentKind.CALENDAR:
            return calendar_anchor(start, zone, interval)
        return day_anchor(start, zone, interval, day=self.day or 0, month=self.month)


class RunningSubscriptions(StrEnum):
    """What becomes of subscriptions of older versions once this version is published and effective."""

    KEEP = "KEEP"
    MOVE_AT_RENEWAL = "MOVE_AT_RENEWAL"


class TrialEnd(StrEnum):
    """What happens at the end of a trial of a customer without a payment method."""

    CONVERT = "CONVERT"
    CANCEL = "CANCEL"
    PAUSE = "PAUSE"


class PastDueAccess(StrEnum):
    FULL = "FULL"
    ESSENTIAL = "ESSENTIAL"
    NONE = "NONE"


class TermEnd(StrEnum):
    RENEW = "RENEW"
    EXPIRE = "EXPIRE"


class TierWindows(StrEnum):
    """Whether the tiers of metered items go on where a change cuts a period."""

    CONTINUE = "CONTINUE"
    RESTART = "RESTART"


class EntitlementReset(StrEnum):
    BILLING_PERIOD = "BILLING_PERIOD"
    DAY = "DAY"
    MONTH = "MONTH"
    NEVER = "NEVER"


@dataclass(frozen=True, slots=True)
class PlanPhase:
    """The first periods at another price. `discount_percent` of 20 takes 20 % off every fixed item."""

    code: str
    periods: int
    discount_percent: Fraction | None = None


@dataclass(frozen=True, slots=True)
class MinimumCommitment:
    """The least that the charges of one whole period come to, in one currency. INCLUSIVE: with their taxes."""

    amount: Money
    tax_category: str = "digital_service"
    tax_behavior: TaxBehavior = TaxBehavior.EXCLUSIVE
    rounding: Rounding = Rounding.HALF_UP


@dataclass(frozen=True, slots=True)
class MeteredGrant:
    """A quantity of metered use a reset span; `soft`: use beyond it is permitted and billed."""

    meter_code: str
    limit: Fraction
    reset: EntitlementReset = EntitlementReset.BILLING_PERIOD
    soft: bool = False


@dataclass(frozen=True, slots=True)
class Entitlement:
    """What a subscription permits: a feature as such, with a value, or a quantity of metered use."""

    feature_code: str
    value: str | None = None
    metered: MeteredGrant | None = None
    essential: bool = False


@dataclass(frozen=True, slots=True)
class PlanTerms:
    """Everything about a plan version that is not a price. `term_periods` 0: without end."""

    effective_at: datetime | None = None
    running_subscriptions: RunningSubscriptions = RunningSubscriptions.KEEP
    change_rules: Mapping[ChangeKind, ChangeRule] = field(default_factory=dict)
    proration: Proration = BY_SECONDS
    alignment: Alignment = Alignment()
    trial_needs_payment_method: bool = False
    trial_end: TrialEnd = TrialEnd.CONVERT
    phases: tuple[PlanPhase, ...] = ()
    term_periods: int = 0
    term_end: TermEnd = TermEnd.RENEW
    past_due_access: PastDueAccess = PastDueAccess.FULL
    minimum_commitments: tuple[MinimumCommitment, ...] = ()
    tier_windows: TierWindows = TierWindows.CONTINUE
    entitlements: tuple[Entitlement, ...] = ()

    def rule(self, kind: ChangeKind) -> ChangeRule:
        """The rule of a kind of change: that of the version, else the default of the matrix."""
        return self.change_rules.get(kind) or MATRIX_DEFAULTS[kind]

    def commitment(self, currency: str) -> MinimumCommitment | None:
        """The minimum commitment in a currency; None without one."""
        return next((each for each in self.minimum_commitments if each.amount.currency == currency), None)
