"""The rules of change, proration and alignment <-> their messages."""

from collections.abc import Iterable, Mapping

from billing.subscriptions.v1 import policy_pb2 as pb
from billing_kernel.cycle import FirstStub
from billing_kernel.proration import Basis, Denominator, Proration

from billing_subscriptions.domain.plan_terms import change_rules
from billing_subscriptions.domain.policy import (
    MATRIX_DEFAULTS,
    Alignment,
    AlignmentKind,
    ChangeKind,
    ChangeRule,
    ChangeWhen,
    Settlement,
)
from billing_subscriptions.wire.enums import EnumTable

BASES = EnumTable(pb.ProrationBasis, Basis, "PRORATION_BASIS_")
DENOMINATORS = EnumTable(pb.ProrationDenominator, Denominator, "PRORATION_DENOMINATOR_")
CHANGE_KINDS = EnumTable(pb.ChangeKind, ChangeKind, "CHANGE_KIND_")
CHANGE_WHENS = EnumTable(pb.ChangeWhen, ChangeWhen, "CHANGE_WHEN_")
SETTLEMENTS = EnumTable(pb.Settlement, Settlement, "SETTLEMENT_")
ALIGNMENT_KINDS = EnumTable(pb.AlignmentKind, AlignmentKind, "ALIGNMENT_KIND_")
FIRST_STUBS = EnumTable(pb.FirstStub, FirstStub, "FIRST_STUB_")


def proration_from_pb(given: pb.Proration) -> Proration:
    """Unspecified parts mean by seconds of the actual period. Raises InvalidProration."""
    return Proration(
        BASES.from_pb(given.basis) if given.basis else Basis.BY_SECONDS,
        DENOMINATORS.from_pb(given.denominator) if given.denominator else Denominator.ACTUAL_PERIOD,
        given.nominal_days or None,
    )


def proration_to_pb(rule: Proration) -> pb.Proration:
    return pb.Proration(
        basis=BASES.to_pb(rule.basis),
        denominator=DENOMINATORS.to_pb(rule.denominator),
        nominal_days=rule.nominal_days or 0,
    )


def optional_settlement(number: int) -> Settlement | None:
    """None where it is left to the plan version."""
    settlement: Settlement | None = SETTLEMENTS.from_pb(number) if number else None
    return settlement


def optional_when(number: int) -> ChangeWhen | None:
    """None where it is left to the plan version."""
    when: ChangeWhen | None = CHANGE_WHENS.from_pb(number) if number else None
    return when


def rules_from_pb(given: Iterable[pb.ChangeRule]) -> Mapping[ChangeKind, ChangeRule]:
    """The change matrix as far as it is named. Raises InvalidPlanTerms for a kind that is named twice."""
    return change_rules([_rule_from_pb(CHANGE_KINDS.from_pb(each.kind), each) for each in given])


def _rule_from_pb(kind: ChangeKind, given: pb.ChangeRule) -> tuple[ChangeKind, ChangeRule]:
    """What is left open is as in the documented defaults."""
    default = MATRIX_DEFAULTS[kind]
    return kind, ChangeRule(
        optional_when(given.when) or default.when,
        proration_from_pb(given.proration) if given.HasField("proration") else default.proration,
        optional_settlement(given.settlement) or default.settlement,
    )


def rule_to_pb(kind: ChangeKind, rule: ChangeRule) -> pb.ChangeRule:
    return pb.ChangeRule(
        kind=CHANGE_KINDS.to_pb(kind),
        when=CHANGE_WHENS.to_pb(rule.when),
        proration=proration_to_pb(rule.proration),
        settlement=SETTLEMENTS.to_pb(rule.settlement),
    )


def rules_to_pb(rules: Iterable[tuple[ChangeKind, ChangeRule]]) -> list[pb.ChangeRule]:
    return [rule_to_pb(kind, rule) for kind, rule in rules]


def alignment_from_pb(given: pb.Alignment) -> Alignment:
    """Unspecified parts mean the anniversary with a short stub."""
    return Alignment(
        ALIGNMENT_KINDS.from_pb(given.kind) if given.kind else AlignmentKind.ANNIVERSARY,
        given.anchor_day or None,
        given.anchor_month or None,
        FIRST_STUBS.from_pb(given.first_stub) if given.first_stub else FirstStub.SHORT,
    )


def alignment_to_pb(alignment: Alignment) -> pb.Alignment:
    return pb.Alignment(
        kind=ALIGNMENT_KINDS.to_pb(alignment.kind),
        anchor_day=alignment.day or 0,
        anchor_month=alignment.month or 0,
        first_stub=FIRST_STUBS.to_pb(alignment.first_stub),
    )
