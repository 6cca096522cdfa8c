"""Minimum commitments of a plan: with or without tax, and how the part of a period is rounded."""

from dataclasses import replace

import pytest
import subscriptions_builders as build
from billing_kernel.ids import encode
from billing_kernel.money import Money
from billing_kernel.rounding import Rounding
from billing_pricing import explanation_from_json
from billing_subscriptions.domain.cancel import CancelAt, CancelOrder, cancel
from billing_subscriptions.domain.charges import PriceBook
from billing_subscriptions.domain.plan_item import TaxBehavior
from billing_subscriptions.domain.policy import MinimumCommitment, PlanTerms
from billing_subscriptions.storage.terms_json import terms_from_json, terms_to_json
from subscriptions_builders import renewed, utc

EUROS = Money("EUR", 10000)


def ended(*rules):
    """The version, and what 10 of the 31 days of January are committed to: 3225.806 cents."""
    behavior = rules[0] if rules else TaxBehavior.EXCLUSIVE
    terms = PlanTerms(minimum_commitments=(MinimumCommitment(EUROS, "digital_service", *rules),))
    of = build.version([replace(build.flat(), tax_behavior=behavior)], terms=terms)
    (started,) = renewed(build.subscription(of, start="2026-01-01"), of)
    order = CancelOrder(CancelAt.NOW)
    return of, cancel(started.after, order, build.offers(of), PriceBook(), now=utc("2026-01-11")).commitment


@pytest.mark.parametrize(
    ("rules", "minor"),
    [
        ((), 3226),
        ((TaxBehavior.INCLUSIVE,), 3226),
        ((TaxBehavior.INCLUSIVE, Rounding.DOWN), 3225),
        ((TaxBehavior.EXCLUSIVE, Rounding.UP), 3226),
    ],
)
def test_the_part_of_a_period_is_rounded_and_taxed_as_the_plan_says(rules, minor):
    _, found = ended(*rules)
    assert (found.amount, found.tax_behavior) == (Money("EUR", minor), rules[0] if rules else TaxBehavior.EXCLUSIVE)
    explained = explanation_from_json(found.explanation)
    assert (explained.exact, explained.rounded) == (found.exact, found.amount)
    assert explained.to_json() == found.explanation


def test_its_explanation_names_version_period_and_rule():
    of, found = ended()
    assert explanation_from_json(found.explanation).references == {
        "plan_version": encode("pv", of.id),
        "period_start": "2026-01-01T00:00:00Z",
        "period_end": "2026-01-11T00:00:00Z",
        "proration": "BY_SECONDS, ACTUAL_PERIOD",
    }


@pytest.mark.parametrize("rules", [(), (TaxBehavior.INCLUSIVE,), (TaxBehavior.EXCLUSIVE, Rounding.HALF_EVEN)])
def test_rules_are_kept(rules):
    terms = PlanTerms(minimum_commitments=(MinimumCommitment(EUROS, "digital_service", *rules),))
    assert terms_from_json(terms_to_json(terms)) == terms


def test_what_the_release_before_wrote_is_read():
    assert terms_from_json({"minimum_commitments": [["EUR", 10000, "books"]]}) == PlanTerms(
        minimum_commitments=(MinimumCommitment(EUROS, "books"),)
    )
