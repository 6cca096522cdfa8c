"""Rules of plan versions <-> the JSON of their column. What is as by default is left out, so old rows read as {}."""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from billing_kernel.cycle import FirstStub
from billing_kernel.decimals import format_decimal, parse_decimal
from billing_kernel.money import Money
from billing_kernel.proration import Basis, Denominator, Proration
from billing_kernel.rounding import Rounding

from billing_subscriptions.domain.plan_item import TaxBehavior
from billing_subscriptions.domain.policy import (
    Alignment,
    AlignmentKind,
    ChangeKind,
    ChangeRule,
    ChangeWhen,
    Entitlement,
    EntitlementReset,
    MeteredGrant,
    MinimumCommitment,
    PastDueAccess,
    PlanPhase,
    PlanTerms,
    RunningSubscriptions,
    Settlement,
    TermEnd,
    TierWindows,
    TrialEnd,
)

Json = dict[str, Any]
ENUMS = {
    "running_subscriptions": RunningSubscriptions,
    "trial_end": TrialEnd,
    "term_end": TermEnd,
    "past_due_access": PastDueAccess,
    "tier_windows": TierWindows,
}


def terms_to_json(terms: PlanTerms) -> Json:
    written: Json = {
        **{name: getattr(terms, name).value for name in ENUMS},
        "effective_at": terms.effective_at.isoformat() if terms.effective_at else None,
        "change_rules": {kind.value: rule_to_json(rule) for kind, rule in terms.change_rules.items()},
        "proration": proration_to_json(terms.proration),
        "alignment": alignment_to_json(terms.alignment),
        "trial_needs_payment_method": terms.trial_needs_payment_method,
        "phases": [_phase_to_json(phase) for phase in terms.phases],
        "term_periods": terms.term_periods,
        "minimum_commitments": [_commitment_to_json(each) for each in terms.minimum_commitments],
        "entitlements": [entitlement_to_json(each) for each in terms.entitlements],
    }
    assert set(written) == {field.name for field in fields(PlanTerms)}, "every rule is kept"
    usual = PlanTerms()
    return {name: value for name, value in written.items() if getattr(terms, name) != getattr(usual, name)}


def terms_from_json(found: Mapping[str, Any]) -> PlanTerms:
    read: Json = {name: enum(found[name]) for name, enum in ENUMS.items() if name in found}
    for name, reader in _READERS.items():
        if name in found:
            read[name] = reader(found[name])
    return PlanTerms(**read)


def rule_to_json(rule: ChangeRule) -> Json:
    return {
        "when": rule.when.value,
        "proration": proration_to_json(rule.proration),
        "settlement": rule.settlement.value,
    }


def rule_from_json(found: Mapping[str, Any]) -> ChangeRule:
    when, settlement = ChangeWhen(found["when"]), Settlement(found["settlement"])
    return ChangeRule(when, proration_from_json(found["proration"]), settlement)


def proration_to_json(rule: Proration) -> list[Any]:
    return [rule.basis.value, rule.denominator.value, rule.nominal_days]


def proration_from_json(found: list[Any]) -> Proration:
    basis, denominator, nominal_days = found
    return Proration(Basis(basis), Denominator(denominator), nominal_days)


def alignment_to_json(alignment: Alignment) -> list[Any]:
    return [alignment.kind.value, alignment.day, alignment.month, alignment.first_stub.value]


def alignment_from_json(found: list[Any]) -> Alignment:
    kind, day, month, first_stub = found
    return Alignment(AlignmentKind(kind), day, month, FirstStub(first_stub))


def entitlement_to_json(entitlement: Entitlement) -> Json:
    metered = entitlement.metered
    grant = metered and [metered.meter_code, format_decimal(metered.limit), metered.reset.value, metered.soft]
    return {
        "feature_code": entitlement.feature_code,
        "value": entitlement.value,
        "metered": grant,
        "essential": entitlement.essential,
    }


def entitlement_from_json(found: Mapping[str, Any]) -> Entitlement:
    grant = None
    if found["metered"] is not None:
        meter_code, limit, reset, soft = found["metered"]
        grant = MeteredGrant(meter_code, parse_decimal(limit), EntitlementReset(reset), soft)
    return Entitlement(found["feature_code"], found["value"], grant, found["essential"])


def _phase_to_json(phase: PlanPhase) -> list[Any]:
    percent = phase.discount_percent
    return [phase.code, phase.periods, None if percent is None else format_decimal(percent)]


def _phase_from_json(found: list[Any]) -> PlanPhase:
    code, periods, percent = found
    return PlanPhase(code, periods, None if percent is None else parse_decimal(percent))


def _commitment_to_json(each: MinimumCommitment) -> list[Any]:
    """What was there first alone, as long as the rest is as by default: so the release before reads it too."""
    first = [each.amount.currency, each.amount.minor, each.tax_category]
    usual = each == MinimumCommitment(each.amount, each.tax_category)
    return first if usual else [*first, each.tax_behavior.value, each.rounding.value]


def _commitment_from_json(found: list[Any]) -> MinimumCommitment:
    currency, minor, tax_category, *later = found
    made = MinimumCommitment(Money(currency, minor), tax_category)
    if not later:
        return made
    tax_behavior, rounding = later
    return replace(made, tax_behavior=TaxBehavior(tax_behavior), rounding=Rounding(rounding))


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "effective_at": datetime.fromisoformat,
    "change_rules": lambda found: {ChangeKind(kind): rule_from_json(rule) for kind, rule in found.items()},
    "proration": proration_from_json,
    "alignment": alignment_from_json,
    "trial_needs_payment_method": bool,
    "phases": lambda found: tuple(map(_phase_from_json, found)),
    "term_periods": int,
    "minimum_commitments": lambda found: tuple(map(_commitment_from_json, found)),
    "entitlements": lambda found: tuple(map(entitlement_from_json, found)),
}
assert set(ENUMS) | set(_READERS) == {field.name for field in fields(PlanTerms)}, "every rule is read"
