"""Entitlements: what the subscriptions of a customer permit at an instant, each by its state, all of them together.

A feature is granted as such, with a value, or as a quantity of metered use. Over several subscriptions and add-ons:
as such by any of them, and then without limit; of values the greatest number, or, where not all are numbers, that of
the subscription that began last (an add-on's before its plan's); limits add up.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from uuid import UUID

from billing_kernel.cycle import Cycle
from billing_kernel.decimals import InvalidDecimal, parse_decimal
from billing_kernel.period import Period, local_day, midnight

from billing_subscriptions.domain.policy import Entitlement, EntitlementReset, MeteredGrant, PastDueAccess
from billing_subscriptions.domain.subscription import State

NEVER_ENDS = datetime(8999, 1, 1, tzinfo=UTC)  # the wire takes years up to 9000
_RUNNING = frozenset({State.TRIALING, State.ACTIVE, State.PAST_DUE})


class Reason(StrEnum):
    GRANTED = "GRANTED"
    BEYOND_SOFT_LIMIT = "BEYOND_SOFT_LIMIT"  # permitted, and billed by the price of the meter
    LIMIT_REACHED = "LIMIT_REACHED"
    NOT_GRANTED = "NOT_GRANTED"
    SUBSCRIPTION_NOT_RUNNING = "SUBSCRIPTION_NOT_RUNNING"
    PAST_DUE = "PAST_DUE"


@dataclass(frozen=True, slots=True)
class Granting:
    """A subscription as far as entitlements go. `stops_at`: when it ends or pauses, as far as that is known.

    `period` is the last one claimed; later ones follow from `cycle`. `entitlements` are those of the plan version, then
    those of add-ons, with limits times their quantity.
    """

    subscription_id: UUID
    state: State
    started_at: datetime
    zone: str
    period: Period
    cycle: Cycle
    stops_at: datetime | None
    access: PastDueAccess
    entitlements: tuple[Entitlement, ...]

    def runs(self, now: datetime) -> bool:
        """Whether it grants anything: what is canceled grants until its end, what has not begun, or waits, nothing."""
        return self.state in _RUNNING and (self.stops_at is None or now < self.stops_at)

    def keeps(self, entitlement: Entitlement) -> bool:
        """Whether the entitlement remains by the rule of the plan for what is past due."""
        if self.state is not State.PAST_DUE or self.access is PastDueAccess.FULL:
            return True
        return self.access is PastDueAccess.ESSENTIAL and entitlement.essential


Grant = tuple[Granting, Entitlement]


@dataclass(frozen=True, slots=True)
class CustomerGrants:
    """All that the subscriptions of a customer that have not ended may grant, by feature, oldest subscription first."""

    customer_id: UUID
    subscriptions: tuple[Granting, ...]
    by_feature: Mapping[str, Sequence[Grant]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        found: dict[str, list[Grant]] = {}
        for each in sorted(self.subscriptions, key=lambda each: (each.started_at, each.subscription_id)):
            for entitlement in each.entitlements:
                found.setdefault(entitlement.feature_code, []).append((each, entitlement))
        object.__setattr__(self, "by_feature", found)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer. Limits are those of all subscriptions together; `remaining` is never below 0."""

    allowed: bool
    reason: Reason
    value: str = ""
    limit: Fraction | None = None
    used: Fraction | None = None
    remaining: Fraction | None = None
    reset_at: datetime | None = None
    subscription_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """A metered grant in force: its limit counts for `span`."""

    subscription_id: UUID
    grant: MeteredGrant
    span: Period


@dataclass(frozen=True, slots=True)
class Limits:
    """The feature is metered everywhere: the answer depends on what was used of each (meter, span)."""

    held: tuple[Held, ...]

    @property
    def wanted(self) -> tuple[tuple[str, Period], ...]:
        """What to ask for, each once."""
        return tuple(dict.fromkeys((each.grant.meter_code, each.span) for each in self.held))

    @property
    def limit(self) -> Fraction:
        return sum((each.grant.limit for each in self.held), Fraction(0))

    @property
    def soft(self) -> bool:
        return any(each.grant.soft for each in self.held)

    @property
    def first(self) -> Held:
        """The one whose span ends first."""
        return min(self.held, key=lambda each: (each.span.end, each.subscription_id))

    @property
    def reset_at(self) -> datetime | None:
        return self.first.span.end if self.first.span.end < NEVER_ENDS else None


@dataclass(frozen=True, slots=True)
class Use:
    """What was used in one span. `adds_up`: uses of parts of it are its use (not so for a meter's maximum)."""

    quantity: Fraction
    adds_up: bool = True


def decide(grants: CustomerGrants, feature: str, now: datetime, only: UUID | None = None) -> Verdict | Limits:
    """The answer for a feature, or the limits it depends on. `only`: of this subscription alone."""
    known = grants.by_feature.get(feature, ())
    if only is not None:
        known = [each for each in known if each[0].subscription_id == only]
    if not known:
        return Verdict(False, Reason.NOT_GRANTED)
    running = [each for each in known if each[0].runs(now)]
    kept = [each for each in running if each[0].keeps(each[1])]
    if not kept:
        reason = Reason.PAST_DUE if running else Reason.SUBSCRIPTION_NOT_RUNNING
        return Verdict(False, reason, subscription_id=known[-1][0].subscription_id)
    return _combined(kept, now)


def _combined(kept: Sequence[Grant], now: datetime) -> Verdict | Limits:
    values = [(each.value, of) for of, each in kept if each.value is not None]
    if values:
        value, of = _best(values)
        return Verdict(True, Reason.GRANTED, value, subscription_id=of.subscription_id)
    plain = [of for of, each in kept if each.metered is None]
    if plain:
        return Verdict(True, Reason.GRANTED, subscription_id=plain[0].subscription_id)
    return Limits(
        tuple(
            Held(of.subscription_id, each.metered, span_of(of, each.metered.reset, now))
            for of, each in kept
            if each.metered is not None
        )
    )


def _best(values: Sequence[tuple[str, Granting]]) -> tuple[str, Granting]:
    """The greatest number; of anything else the last."""
    if len(values) == 1:
        return values[0]
    try:
        return max(values, key=lambda each: parse_decimal(each[0]))
    except InvalidDecimal:
        return values[-1]


def judge(limits: Limits, uses: Mapping[tuple[str, Period], Use], amount: Fraction | None) -> Verdict:
    """The answer once the use of each of `limits.wanted` is known. Without `amount`: whether anything is left."""
    over, left = Fraction(0), Fraction(0)
    for meter in dict.fromkeys(each.grant.meter_code for each in limits.held):
        held = [each for each in limits.held if each.grant.meter_code == meter]
        missing, remaining = _left(held, {span: use for (code, span), use in uses.items() if code == meter})
        over, left = over + missing, left + remaining
    fits = amount <= left if amount is not None else left > 0
    reason = Reason.GRANTED if fits else Reason.BEYOND_SOFT_LIMIT if limits.soft else Reason.LIMIT_REACHED
    return Verdict(
        allowed=fits or limits.soft,
        reason=reason,
        limit=limits.limit,
        used=limits.limit - left + over,
        remaining=left,
        reset_at=limits.reset_at,
        subscription_id=limits.first.subscription_id,
    )


def _left(held: Sequence[Held], uses: Mapping[Period, Use]) -> tuple[Fraction, Fraction]:
    """What was used beyond the limits of one meter, and what is left of them.

    Spans that began later cannot pay for what was used before: from start to start, what has begun by then adds its
    limit, and what was used until the next start takes from it.
    """
    starts = sorted({each.span.start for each in held})
    use = {each.span.start: uses[each.span] for each in sorted(held, key=lambda each: each.span.end)}
    total = sum((each.grant.limit for each in held), Fraction(0))
    if not all(use[start].adds_up for start in starts):
        used = use[starts[0]].quantity
        return max(used - total, Fraction(0)), max(total - used, Fraction(0))
    left = over = Fraction(0)
    for start, later in zip(starts, [*starts[1:], None], strict=True):
        left += sum((each.grant.limit for each in held if each.span.start == start), Fraction(0))
        used = use[start].quantity - (use[later].quantity if later is not None else 0)
        over, left = over + max(used - left, Fraction(0)), max(left - used, Fraction(0))
    return over, left


def span_of(of: Granting, reset: EntitlementReset, now: datetime) -> Period:
    """The span around `now` in which a limit counts."""
    match reset:
        case EntitlementReset.NEVER:
            return Period(of.started_at, NEVER_ENDS)
        case EntitlementReset.DAY:
            day = local_day(now, of.zone)
            return Period(midnight(day, of.zone), midnight(day + timedelta(days=1), of.zone))
        case EntitlementReset.MONTH:
            first = local_day(now, of.zone).replace(day=1)
            following = (first + timedelta(days=32)).replace(day=1)
            return Period(midnight(first, of.zone), midnight(following, of.zone))
        case EntitlementReset.BILLING_PERIOD:
            return _billing_period(of, now)


def _billing_period(of: Granting, now: datetime) -> Period:
    """The one that holds `now`, whether or not its renewal has run."""
    if now < of.period.end:
        return of.period
    lead = of.cycle.lead()
    if lead is not None and now in lead:
        return lead
    return of.cycle.period(max(of.cycle.index_at(now), 0))


@dataclass(frozen=True, slots=True)
class Listed:
    """What a customer is granted of one feature now, over all its subscriptions."""

    feature_code: str
    verdict: Verdict
    limits: Limits | None
    subscription_ids: tuple[UUID, ...]


def granted(grants: CustomerGrants, now: datetime) -> Iterable[Listed]:
    """By code of the feature; what is not granted now is left out."""
    for feature in sorted(grants.by_feature):
        found = decide(grants, feature, now)
        limits = found if isinstance(found, Limits) else None
        verdict = found if isinstance(found, Verdict) else Verdict(True, Reason.GRANTED)
        if verdict.allowed:
            kept = [of for of, each in grants.by_feature[feature] if of.runs(now) and of.keeps(each)]
            yield Listed(feature, verdict, limits, tuple(dict.fromkeys(of.subscription_id for of in kept)))


def times(entitlement: Entitlement, quantity: Fraction) -> Entitlement:
    """That of an add-on taken `quantity` times: limits are multiplied."""
    grant = entitlement.metered
    if grant is None or quantity == 1:
        return entitlement
    metered = MeteredGrant(grant.meter_code, grant.limit * quantity, grant.reset, grant.soft)
    return Entitlement(entitlement.feature_code, entitlement.value, metered, entitlement.essential)
