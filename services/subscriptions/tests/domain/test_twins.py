"""Twins: what is worked out once is exactly what each would have worked out for itself."""

from dataclasses import replace
from fractions import Fraction

import pytest
import subscriptions_builders as build
from billing_kernel.ids import uuid7
from billing_subscriptions.domain.boundary import boundary
from billing_subscriptions.domain.charges import PriceBook
from billing_subscriptions.domain.events import BillingDue
from billing_subscriptions.domain.plan import Timing
from billing_subscriptions.domain.subscription import Pause, PauseBilling, State
from billing_subscriptions.domain.twins import (
    EXPLANATIONS_MAX,
    ITEMS_MAX,
    Twins,
    charge_ids,
    due_ids,
    likeness,
    teaches,
    teaches_all,
    twin_step,
)
from billing_subscriptions.wire.dues import DueBook, due_to_pb
from billing_subscriptions.wire.subscriptions import FactsBook
from subscriptions_builders import utc

VERSION = build.version([build.flat(), build.seat("7", Timing.ARREARS), build.metered()])
NOW = utc("2026-02-01T03:04:05")


def running(**order):
    """In its first period, the start claimed."""
    (started,) = build.renewed(build.subscription(VERSION, build.customer(seller_id=None), **order), VERSION)
    return started.after


def passed(subscription):
    return boundary(subscription, build.offers(VERSION), PriceBook(), now=NOW)


@pytest.mark.parametrize(("seats", "unpaid"), [("1", False), ("2.5", False), ("3", True)])
def test_the_step_of_one_is_the_step_of_each(seats, unpaid):
    quantities = build.quantities(seats=seats)
    one, two = (replace(running(quantities=quantities), unpaid=unpaid) for _ in range(2))
    two = replace(two, version=9, external_id="s", effective_at=utc("2026-01-20"), metadata={"a": "1"})
    if unpaid:
        one, two = (replace(each, state=State.PAST_DUE) for each in (one, two))
    assert likeness(one) == likeness(two) is not None
    step = passed(one)
    assert teaches(step)
    found = twin_step(step, two, now=NOW)
    assert found == passed(two)
    assert found.twin is step


@pytest.mark.parametrize("metadata", [{}, {"a": "1"}])
def test_messages_of_twins_are_what_each_would_have_been(metadata):
    buyers = [build.customer(external_id=name, net_terms_days=days) for name, days in (("a", 0), ("b", 30))]
    one, two = (replace(running(), customer_id=buyer.id) for buyer in buyers)
    two = replace(two, external_id="s2", metadata=metadata)
    step = passed(one)
    found = twin_step(step, two, now=NOW)
    book, dues = FactsBook(), DueBook()
    for each, buyer, like in ((step, buyers[0], None), (found, buyers[1], step.after)):
        told = book.facts(each.after, VERSION, buyer.terms.external_id, like)
        assert told == FactsBook().facts(each.after, VERSION, buyer.terms.external_id)
        due = BillingDue(each, buyer, uuid7())
        assert dues.due(due) == due_to_pb(due)


@pytest.mark.parametrize(
    "own",
    [
        {"period_billed_minor": 1},
        {"anchor_at": utc("2026-01-02")},
        {"unpaid": True},
        {"started_at": utc("2025-12-31")},
        {"period_index": 7},
    ],
)
def test_what_a_boundary_looks_at_tells_them_apart(own):
    one = running()
    assert likeness(replace(one, **own)) != likeness(one)


def test_who_has_something_of_its_own_has_no_twin():
    one = running()
    item = replace(one.items[0], since=utc("2026-01-10"))
    for own in (
        {"pause": Pause(utc("2026-01-10"), None, PauseBilling.VOID)},
        {"ends_at": utc("2026-01-20")},
        {"term_periods_left": 3},
        {"committed_from": utc("2026-01-10")},
        {"items": (item, *one.items[1:])},
        {"state": State.PAUSED},
    ):
        assert likeness(replace(one, **own)) is None
    other = replace(one, items=(replace(one.items[0], quantity=Fraction(2)), *one.items[1:]))
    assert likeness(other) != likeness(one)


def together(one, two, buyer):
    """Both as columns, `one` as the first."""
    each = (one, two)
    items = [[first.id.bytes, second.id.bytes] for first, second in zip(one.items, two.items, strict=True)]
    ids, customer_ids = [one.id.bytes for one in each], [one.customer_id.bytes for one in each]
    return Twins(one, buyer, ids, customer_ids, [buyer.party_id.bytes] * 2, [b""] * 2, [b""] * 2, items)


def test_ids_in_columns_are_those_of_each_step():
    one, two = running(), running()
    step, twins = passed(one), together(one, two, build.customer())
    assert teaches_all(step, twins)
    steps = [step, twin_step(step, two, now=NOW)]
    assert due_ids(step, twins) == [each.due.id.bytes for each in steps]
    charges = zip(*([charge.id.bytes for charge in each.charges] for each in steps), strict=True)
    assert charge_ids(step, twins) == [list(column) for column in charges]


def test_who_is_not_billed_alike_or_in_one_part_is_written_alone():
    one, buyer = running(), build.customer()
    step, twins = passed(one), together(one, running(), buyer)
    parent = replace(buyer, terms=replace(buyer.terms, parent_id=uuid7(), billed_to_parent=True))
    assert not teaches_all(step, replace(twins, customer=parent))
    assert not teaches_all(step, replace(twins, item_ids=twins.item_ids * (ITEMS_MAX + 1)))
    first = step.charges[0]
    long = replace(first, priced=replace(first.priced, explanation="x" * (EXPLANATIONS_MAX + 1)))
    for other in (long, replace(first, id=uuid7())):
        charges = (other, *step.charges[1:])
        assert not teaches_all(replace(step, charges=charges, made=charges), twins)
