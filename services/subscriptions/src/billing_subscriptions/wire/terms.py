"""The terms of a plan version <-> their message."""

from collections.abc import Iterable
from fractions import Fraction

from billing.common.v1 import money_pb2, price_model_pb2, tax_facts_pb2
from billing.subscriptions.v1 import policy_pb2 as pb
from billing_kernel.decimals import format_decimal, parse_decimal
from billing_kernel.money import Money
from billing_kernel.rounding import Rounding

from billing_subscriptions.domain.policy import (
    Entitlement,
    EntitlementReset,
    MeteredGrant,
    MinimumCommitment,
    PastDueAccess,
    PlanPhase,
    PlanTerms,
    RunningSubscriptions,
    TermEnd,
    TierWindows,
    TrialEnd,
)
from billing_subscriptions.wire.enums import EnumTable
from billing_subscriptions.wire.plan_items import TAX_BEHAVIORS
from billing_subscriptions.wire.policies import (
    alignment_from_pb,
    alignment_to_pb,
    proration_from_pb,
    proration_to_pb,
    rule_to_pb,
    rules_from_pb,
)
from billing_subscriptions.wire.times import optional_time, time_from_pb

RUNNING = EnumTable(pb.RunningSubscriptions, RunningSubscriptions, "RUNNING_SUBSCRIPTIONS_")
TRIAL_ENDS = EnumTable(pb.TrialEnd, TrialEnd, "TRIAL_END_")
PAST_DUE_ACCESS = EnumTable(pb.PastDueAccess, PastDueAccess, "PAST_DUE_ACCESS_")
TERM_ENDS = EnumTable(pb.TermEnd, TermEnd, "TERM_END_")
TIER_WINDOWS = EnumTable(pb.TierWindows, TierWindows, "TIER_WINDOWS_")
ROUNDINGS = EnumTable(price_model_pb2.RoundingMode, Rounding, "ROUNDING_MODE_")
RESETS = EnumTable(pb.EntitlementReset, EntitlementReset, "ENTITLEMENT_RESET_")


def terms_from_pb(given: pb.PlanTerms) -> PlanTerms:
    """What is unset has its default. Raises InvalidProration, InvalidChange, InvalidDecimal."""
    return PlanTerms(
        effective_at=time_from_pb(given.effective_time) if given.HasField("effective_time") else None,
        running_subscriptions=RUNNING.from_pb(given.running_subscriptions or pb.RUNNING_SUBSCRIPTIONS_KEEP),
        change_rules=rules_from_pb(given.change_rules),
        proration=proration_from_pb(given.proration),
        alignment=alignment_from_pb(given.alignment),
        trial_needs_payment_method=given.trial_needs_payment_method,
        trial_end=TRIAL_ENDS.from_pb(given.trial_end or pb.TRIAL_END_CONVERT),
        phases=tuple(_phase_from_pb(each) for each in given.phases),
        term_periods=given.term_periods,
        term_end=TERM_ENDS.from_pb(given.term_end or pb.TERM_END_RENEW),
        past_due_access=PAST_DUE_ACCESS.from_pb(given.past_due_access or pb.PAST_DUE_ACCESS_FULL),
        minimum_commitments=tuple(_commitment_from_pb(each) for each in given.minimum_commitments),
        tier_windows=TIER_WINDOWS.from_pb(given.tier_windows or pb.TIER_WINDOWS_CONTINUE),
        entitlements=tuple(entitlement_from_pb(each) for each in given.entitlements),
    )


def terms_to_pb(terms: PlanTerms) -> pb.PlanTerms:
    """Everything named, the defaults too."""
    return pb.PlanTerms(
        effective_time=optional_time(terms.effective_at),
        running_subscriptions=RUNNING.to_pb(terms.running_subscriptions),
        change_rules=[rule_to_pb(kind, rule) for kind, rule in terms.change_rules.items()],
        proration=proration_to_pb(terms.proration),
        alignment=alignment_to_pb(terms.alignment),
        trial_needs_payment_method=terms.trial_needs_payment_method,
        trial_end=TRIAL_ENDS.to_pb(terms.trial_end),
        phases=map(_phase_to_pb, terms.phases),
        term_periods=terms.term_periods,
        term_end=TERM_ENDS.to_pb(terms.term_end),
        past_due_access=PAST_DUE_ACCESS.to_pb(terms.past_due_access),
        minimum_commitments=map(_commitment_to_pb, terms.minimum_commitments),
        tier_windows=TIER_WINDOWS.to_pb(terms.tier_windows),
        entitlements=entitlements_to_pb(terms.entitlements),
    )


def _phase_from_pb(given: pb.PlanPhase) -> PlanPhase:
    percent = parse_decimal(given.discount_percent) if given.discount_percent else None
    return PlanPhase(given.code, given.periods, percent)


def _phase_to_pb(phase: PlanPhase) -> pb.PlanPhase:
    return pb.PlanPhase(code=phase.code, periods=phase.periods, discount_percent=_decimal(phase.discount_percent))


def _commitment_from_pb(given: pb.MinimumCommitment) -> MinimumCommitment:
    amount = Money(given.amount.currency_code, given.amount.amount_minor)
    behavior = TAX_BEHAVIORS.from_pb(given.tax_behavior or tax_facts_pb2.TAX_BEHAVIOR_EXCLUSIVE)
    rounding = ROUNDINGS.from_pb(given.rounding or price_model_pb2.ROUNDING_MODE_HALF_UP)
    return MinimumCommitment(amount, given.tax_category or "digital_service", behavior, rounding)


def _commitment_to_pb(commitment: MinimumCommitment) -> pb.MinimumCommitment:
    amount = money_pb2.Money(currency_code=commitment.amount.currency, amount_minor=commitment.amount.minor)
    return pb.MinimumCommitment(
        amount=amount,
        tax_category=commitment.tax_category,
        tax_behavior=TAX_BEHAVIORS.to_pb(commitment.tax_behavior),
        rounding=ROUNDINGS.to_pb(commitment.rounding),
    )


def entitlement_from_pb(given: pb.Entitlement) -> Entitlement:
    """Raises InvalidDecimal."""
    grant = given.WhichOneof("grant")
    return Entitlement(
        given.feature_code,
        given.value if grant == "value" else None,
        _grant_from_pb(given.metered) if grant == "metered" else None,
        given.essential,
    )


def entitlements_to_pb(entitlements: Iterable[Entitlement]) -> list[pb.Entitlement]:
    return [entitlement_to_pb(each) for each in entitlements]


def entitlement_to_pb(entitlement: Entitlement) -> pb.Entitlement:
    message = pb.Entitlement(feature_code=entitlement.feature_code, essential=entitlement.essential)
    if entitlement.metered is not None:
        message.metered.CopyFrom(_grant_to_pb(entitlement.metered))
    elif entitlement.value is not None:
        message.value = entitlement.value
    return message


def _grant_from_pb(given: pb.MeteredGrant) -> MeteredGrant:
    reset = RESETS.from_pb(given.reset or pb.ENTITLEMENT_RESET_BILLING_PERIOD)
    return MeteredGrant(given.meter_code, parse_decimal(given.limit), reset, given.soft)


def _grant_to_pb(grant: MeteredGrant) -> pb.MeteredGrant:
    return pb.MeteredGrant(
        meter_code=grant.meter_code, limit=format_decimal(grant.limit), reset=RESETS.to_pb(grant.reset), soft=grant.soft
    )


def _decimal(value: Fraction | None) -> str:
    return "" if value is None else format_decimal(value)
