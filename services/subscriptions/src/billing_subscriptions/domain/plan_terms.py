"""What of the rules of a plan version contradicts itself, its items or its interval."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from billing_kernel.cycle import InvalidAnchor
from billing_kernel.errors import Violation
from billing_kernel.period import Interval

from billing_subscriptions.domain.catalog_errors import InvalidPlanTerms
from billing_subscriptions.domain.plan_item import NewItem, TaxBehavior, check_currency, priced_in
from billing_subscriptions.domain.policy import (
    Alignment,
    AlignmentKind,
    ChangeKind,
    ChangeRule,
    ChangeWhen,
    Entitlement,
    PlanTerms,
    TermEnd,
)

_ANY_START = datetime(2024, 1, 1, tzinfo=UTC)


def change_rules(rules: Sequence[tuple[ChangeKind, ChangeRule]]) -> Mapping[ChangeKind, ChangeRule]:
    """The matrix of a version from its rules in their order. Raises InvalidPlanTerms where a kind has two."""
    kinds = [kind for kind, _ in rules]
    broken = [
        Violation(f"terms.change_rules[{index}].kind", f"{kind.value} has a rule already", "change_rule.twice")
        for index, kind in enumerate(kinds)
        if kind in kinds[:index]
    ]
    if broken:
        raise refused(broken)
    return dict(rules)


def check_terms(terms: PlanTerms, interval: Interval, currency: str, items: Sequence[NewItem]) -> None:
    """`currency` is that of the version, `items` what it sells.

    Raises InvalidPlanTerms that names every field that is wrong, UnknownCurrency.
    """
    broken: list[Violation] = []
    currencies, behaviors = priced_in(currency, items), {item.tax_behavior for item in items}
    for index, each in enumerate(terms.minimum_commitments):
        path = f"terms.minimum_commitments[{index}].amount.currency_code"
        check_currency(path, each.amount.currency)
        if each.amount.currency not in currencies:
            broken.append(Violation(path, f"the plan is not sold in {each.amount.currency}", "commitment.currency"))
        if each.tax_behavior is TaxBehavior.INCLUSIVE and TaxBehavior.EXCLUSIVE in behaviors:
            path = f"terms.minimum_commitments[{index}].tax_behavior"
            broken.append(Violation(path, "contains tax, prices of the plan do not", "commitment.tax_behavior"))
    broken += [*_violations(terms, interval), *entitlement_violations("terms.entitlements", terms.entitlements)]
    if broken:
        raise refused(broken)


def refused(broken: Sequence[Violation]) -> InvalidPlanTerms:
    return InvalidPlanTerms(f"{broken[0].field}: {broken[0].description}", violations=broken)


def entitlement_violations(path: str, entitlements: Sequence[Entitlement]) -> list[Violation]:
    """A feature is granted once."""
    found = _twice([each.feature_code for each in entitlements])
    return [
        Violation(f"{path}[{index}].feature_code", f"{code!r} is granted twice", "entitlement.twice")
        for index, code in found
    ]


def _violations(terms: PlanTerms, interval: Interval) -> Iterator[Violation]:
    yield from _anchor(terms.alignment, interval)
    for kind, rule in terms.change_rules.items():
        if rule.when is ChangeWhen.ON_DATE:
            yield Violation(f"terms.change_rules.{kind.value}.when", "is a date only by call", "change_rule.date")
    for index, code in _twice([phase.code for phase in terms.phases]):
        yield Violation(f"terms.phases[{index}].code", f"{code!r} is used twice", "phase.twice")
    for index, phase in enumerate(terms.phases):
        if phase.discount_percent is not None and phase.discount_percent > 100:
            yield Violation(f"terms.phases[{index}].discount_percent", "is more than 100", "phase.discount")
    if terms.term_periods and sum(phase.periods for phase in terms.phases) > terms.term_periods:
        yield Violation("terms.phases", "last longer than the term", "phase.term")
    if terms.term_end is TermEnd.EXPIRE and not terms.term_periods:
        yield Violation("terms.term_end", "needs term_periods: nothing expires without a term", "term.end")
    for index, code in _twice([each.amount.currency for each in terms.minimum_commitments]):
        path = f"terms.minimum_commitments[{index}].amount.currency_code"
        yield Violation(path, f"{code} has a commitment already", "commitment.twice")
    for index, each in enumerate(terms.minimum_commitments):
        if each.amount.minor <= 0:
            path = f"terms.minimum_commitments[{index}].amount.amount_minor"
            yield Violation(path, "is more than zero", "commitment.amount")


def _anchor(alignment: Alignment, interval: Interval) -> Iterator[Violation]:
    if alignment.kind is not AlignmentKind.ANCHOR_DAY:
        for name, value in (("anchor_day", alignment.day), ("anchor_month", alignment.month)):
            if value is not None:
                yield Violation(f"terms.alignment.{name}", "belongs to ANCHOR_DAY", "alignment.form")
        return
    try:
        alignment.anchor(_ANY_START, "UTC", interval)
    except InvalidAnchor as error:
        for each in error.violations:
            yield Violation(f"terms.alignment.anchor_{each.field}", each.description, "alignment.anchor")


def _twice(codes: Sequence[str]) -> list[tuple[int, str]]:
    """(index, code) of each code that came before."""
    left = Counter(codes)
    if len(left) == len(codes):
        return []
    return [(index, code) for index, code in enumerate(codes) if code in codes[:index]]
