"""Messages: enums complete, dues in parts, events with topic and key."""

import json

import pytest
import subscriptions_builders as build
from billing.subscriptions.v1 import events_pb2
from billing_kernel.ids import encode, uuid7
from billing_pricing import explanation_from_json, price_from_json
from billing_subscriptions.domain import events as domain
from billing_subscriptions.wire import dues, enums
from billing_subscriptions.wire.customers import STATES
from billing_subscriptions.wire.events import (
    CUSTOMER_MESSAGES,
    DUE_TOPIC,
    SUBSCRIPTION_MESSAGES,
    TOPIC,
    due_event,
    event_of,
)
from billing_subscriptions.wire.prices import price_from_pb, price_to_pb
from billing_subscriptions.wire.subscriptions import FactsBook
from billing_subscriptions.wire.times import time_from_pb, time_to_pb
from subscriptions_builders import utc

VERSION = build.version([build.flat(), build.seat(), build.metered()])


def due(version=VERSION, **order):
    buyer = build.customer(external_id="acme")
    (renewal,) = build.renewed(build.subscription(version, buyer, **order), version)
    return dues.due_to_pb(domain.BillingDue(renewal, buyer, uuid7()))


@pytest.mark.parametrize("kind", domain.CustomerEvent.__subclasses__())
def test_customer_events(kind):
    customer = build.customer()
    event = event_of(kind(customer, utc("2026-02-02")), FactsBook())
    assert (event.topic, event.key, event.subject) == (TOPIC, encode("cus", customer.id), encode("cus", customer.id))
    assert event.type == f"billing.subscriptions.v1.{CUSTOMER_MESSAGES[kind].DESCRIPTOR.name}"
    assert (event.sequence, event.effective_at) == (1, utc("2026-02-02"))
    assert b"Ada" not in event.payload.SerializeToString()


@pytest.mark.parametrize("kind", domain.SubscriptionEvent.__subclasses__())
def test_subscription_events(kind):
    made = build.subscription(VERSION)
    event = event_of(kind(made, VERSION, "acme", utc("2026-02-02")), FactsBook())
    assert (event.topic, event.key, event.subject) == (TOPIC, encode("cus", made.customer_id), encode("sub", made.id))
    assert event.type == f"billing.subscriptions.v1.{SUBSCRIPTION_MESSAGES[kind].DESCRIPTOR.name}"
    facts = event.payload.subscription
    assert (facts.external_customer_id, facts.interval.count, len(facts.plan_items)) == ("acme", 1, 3)


def test_every_event_of_the_contract_is_published():
    told = {message.DESCRIPTOR.name for message in (*CUSTOMER_MESSAGES.values(), *SUBSCRIPTION_MESSAGES.values())}
    parts = {"CustomerFacts", "SubscriptionFacts"}
    assert told | {"PlanVersionPublished", "BillingDue"} == set(events_pb2.DESCRIPTOR.message_types_by_name) - parts


def test_a_published_version_is_keyed_by_its_plan():
    event = event_of(domain.PlanVersionPublished(VERSION, utc("2026-02-02")), FactsBook())
    assert (event.key, event.subject) == (encode("plan", VERSION.plan_id), encode("pv", VERSION.id))


def test_facts_of_one_version_do_not_leak_into_each_other():
    book, one, two = FactsBook(), build.subscription(VERSION), build.subscription(VERSION)
    first = book.facts(one, VERSION, "a")
    second = book.facts(two, VERSION, "")
    assert first.subscription.subscription_id != second.subscription.subscription_id
    assert (first.external_customer_id, second.external_customer_id) == ("a", "")


def test_a_due_is_keyed_by_its_payer_and_republished_under_a_new_event_id():
    part = due()
    first, again = due_event(part), due_event(part)
    assert (first.topic, first.key, first.payload) == (DUE_TOPIC, part.payer_customer_id, part)
    assert first.id != again.id


def test_a_due_of_ordinary_size_is_one_part():
    whole = due()
    assert dues.parts_of(whole) == [whole]


def test_many_charges_are_cut_into_parts():
    whole = due()
    whole.charges.extend([whole.charges[0]] * 1200)
    parts = dues.parts_of(whole)
    assert [(part.part, part.parts, len(part.charges)) for part in parts] == [(1, 3, 500), (2, 3, 500), (3, 3, 202)]
    assert [charge for part in parts for charge in part.charges] == list(whole.charges)
    assert {part.due_id for part in parts} == {whole.due_id}


def test_heavy_charges_are_cut_into_parts():
    whole = due()
    whole.charges[0].explanation = "x" * 300_000
    whole.charges[1].explanation = "x" * 300_000
    parts = dues.parts_of(whole)
    assert [len(part.charges) for part in parts] == [1, 1]
    assert all(part.ByteSize() <= dues.BYTES_MAX for part in parts)


def test_explanations_are_canonical_json_that_names_item_price_version_and_period():
    charge = due().charges[0]
    assert json.dumps(json.loads(charge.explanation), sort_keys=True, separators=(",", ":")) == charge.explanation
    assert explanation_from_json(charge.explanation).to_json() == charge.explanation
    assert json.loads(charge.explanation)["references"] == {
        "item": "base",
        "price": charge.price_id,
        "plan_version": encode("pv", VERSION.id),
        "period_start": "2026-01-01T00:00:00Z",
        "period_end": "2026-02-01T00:00:00Z",
    }


@pytest.mark.parametrize("item", [build.flat("49.5"), build.seat("0.002"), build.metered()])
def test_prices_come_back(item):
    price = build.version([item]).items[0].price
    assert price_from_json(price_from_pb(price_to_pb(price))) == price


def test_unspecified_values_are_refused():
    with pytest.raises(enums.UnspecifiedValue):
        STATES.from_pb(0)
    with pytest.raises(enums.UnspecifiedValue):
        STATES.from_pb(77)


def test_instants_come_back():
    for text in ("2026-03-29T01:30:00.000001", "1900-01-01T00:00:00"):
        assert time_from_pb(time_to_pb(utc(text))) == utc(text)
