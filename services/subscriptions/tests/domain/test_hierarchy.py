"""Who may stand above whom, and who pays."""

import itertools
from dataclasses import replace

import pytest
from billing_kernel.ids import uuid7
from billing_kernel.money import CurrencyMismatch
from billing_subscriptions.domain.customer import CustomerState
from billing_subscriptions.domain.errors import (
    CustomerArchived,
    CustomerCycle,
    CustomerPaysForOthers,
    HierarchyTooDeep,
    InvalidParent,
)
from billing_subscriptions.domain.hierarchy import DEPTH_MAX, check_parent, check_pays
from subscriptions_builders import customer


def child(parent, **terms):
    return replace(customer().terms, parent_id=parent.id, **terms)


def line(length):
    made = [customer() for _ in range(length)]
    return [replace(each, terms=child(above)) for each, above in itertools.pairwise(made)] + made[-1:]


def test_a_customer_without_parent_and_one_with():
    parent = customer()
    check_parent(uuid7(), customer().terms, None, [])
    check_parent(uuid7(), child(parent), None, [parent])
    check_parent(uuid7(), child(parent, billed_to_parent=True), None, [parent])


@pytest.mark.parametrize("place", range(3))
def test_nobody_stands_above_itself(place):
    above = line(3)
    with pytest.raises(CustomerCycle) as refused:
        check_parent(above[place].id, child(above[0]), None, above)
    assert refused.value.violations[0].field == "parent_customer_id"


@pytest.mark.parametrize(
    ("above", "below", "allowed"),
    [(DEPTH_MAX - 1, 0, True), (DEPTH_MAX, 0, False), (DEPTH_MAX - 3, 2, True), (DEPTH_MAX - 2, 2, False)],
)
def test_a_tree_is_only_so_deep(above, below, allowed):
    parents = line(above)
    if allowed:
        check_parent(uuid7(), child(parents[0]), None, parents, below=below)
    else:
        with pytest.raises(HierarchyTooDeep):
            check_parent(uuid7(), child(parents[0]), None, parents, below=below)


def test_nobody_pays_where_there_is_no_parent():
    with pytest.raises(InvalidParent) as refused:
        check_parent(uuid7(), replace(customer().terms, billed_to_parent=True), None, [])
    assert refused.value.violations[0].field == "billed_to_parent"


def test_an_archived_customer_becomes_no_parent():
    parent = replace(customer(), state=CustomerState.ARCHIVED)
    with pytest.raises(CustomerArchived):
        check_parent(uuid7(), child(parent), None, [parent])


def test_who_pays_has_the_same_currency_and_seller():
    parent = customer(currency="USD")
    check_parent(uuid7(), child(parent), None, [parent])  # it does not pay
    with pytest.raises(CurrencyMismatch):
        check_parent(uuid7(), child(parent, billed_to_parent=True), None, [parent])
    other = customer(seller_id=uuid7())
    with pytest.raises(InvalidParent):
        check_parent(uuid7(), child(other, billed_to_parent=True), None, [other])


def test_who_pays_for_others_keeps_its_currency():
    payer = customer()
    dollars = replace(payer.terms, currency="USD")
    check_pays(payer, dollars, pays_for=0)
    check_pays(payer, payer.terms, pays_for=2)
    with pytest.raises(CustomerPaysForOthers):
        check_pays(payer, dollars, pays_for=2)
