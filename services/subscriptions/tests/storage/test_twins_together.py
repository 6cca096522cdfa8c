"""Twins that are written together leave, byte for byte, what each would have left alone."""

from contextlib import suppress
from dataclasses import replace
from fractions import Fraction

import pytest
import subscriptions_builders as build
from billing_kernel.ids import uuid7
from billing_subscriptions.domain.boundary import boundary
from billing_subscriptions.domain.charges import PriceBook
from billing_subscriptions.domain.customer import CollectionMethod
from billing_subscriptions.domain.plan import Timing
from billing_subscriptions.domain.subscription import State
from billing_subscriptions.domain.tax_ids import TaxId, TaxIdType
from billing_subscriptions.operations.run_renewals import renew_chunk
from billing_subscriptions.operations.shelf import shelf_for
from billing_subscriptions.operations.write_steps import write_steps
from billing_subscriptions.storage.claims import TWINS_MIN
from billing_subscriptions.storage.history import broken_rows
from billing_subscriptions.storage.unit_of_work import PostgresUnitOfWork
from billing_testkit.tenants import service_call
from subscriptions_builders import utc

NOW = utc("2026-02-01T03:04:05")
RUN = uuid7()
COUNT = 5 * (TWINS_MIN + 2) + 1
LEFT = {  # without what no two writings have in common
    "subscription": "SELECT * FROM subscription ORDER BY subscription_id",
    "history": """SELECT subscription_id, version, customer_id, kind, effective_at, actor, reason, cause, changed::text,
        charge_ids FROM subscription_change ORDER BY subscription_id, version""",
    "dues": """SELECT due_id, part, subscription_id, customer_id, run_id, period_index, charges, sequence, effective_at,
        payload, settled_at, outcome FROM billing_due ORDER BY due_id""",
    "events": """SELECT shard, topic, key, type, subject, actor, correlation_id, causation_id, traceparent, sequence,
        effective_at, payload, extra FROM outbox ORDER BY topic, subject, sequence""",
}


class Undone(Exception):
    """Rolls back."""


def kinds(version):
    """How twins of some kinds are made: each from a number, in its first period."""

    def member(at, **order):
        return order, {"external_id": f"customer-{at:04}", "net_terms_days": 14}

    vat = (TaxId(TaxIdType.EU_VAT, "FR40303265045"),)
    return [
        lambda at: (*member(at), {}),
        lambda at: ({}, {"tax_ids": vat, "collection": CollectionMethod.SEND}, {}),
        lambda at: (*member(at, quantities=build.quantities(seats="2.5")), {"external_id": f"100% {at:03}é"}),
        lambda at: (*member(at), {"metadata": {"a": "1", "b": "%b"}}),
        lambda at: (*member(at), {"state": State.PAST_DUE, "unpaid": True}),
    ]


@pytest.fixture
async def shop(database, tenant_id):
    """Twins of each kind, and some who are like nobody; the kinds."""
    plan = build.plan()
    version = build.version([build.flat(), build.seat("7", Timing.ARREARS), build.metered()], of=plan)
    made = [(kind, at) for kind in kinds(version) for at in range(TWINS_MIN + 2)]
    async with database.begin(service_call(tenant_id, at=NOW)) as tx:
        uow = PostgresUnitOfWork(tx)
        await uow.plans.add(plan)
        await uow.plans.add_version(version)
        for number, (kind, at) in enumerate([*made, (kinds(version)[0], 9999)]):
            order, terms, own = kind(number)
            if at == 9999:
                order = {"quantities": build.quantities(seats="77")}
            buyer = build.customer(**terms)
            await uow.customers.add(buyer, build.ADA)
            begun = build.started(version, buyer, **order)
            (step,) = build.renewed(begun.after, version)
            await uow.subscriptions.write([begun, replace(step, after=replace(step.after, **own))])
    return tenant_id


async def alone(uow):
    """The chunk as it is written for those who are like nobody."""
    claimed = await uow.subscriptions.claim_due(NOW, 1000)
    due = [*claimed.alone, *[each for twins in claimed.twins for each in await uow.twins.each_of(twins)]]
    shelf = await shelf_for(uow.catalogue, due)
    steps = [boundary(each, shelf.offers(each.currency), PriceBook(), now=NOW) for each in due]
    await write_steps(uow, steps, shelf, run_id=RUN)
    return 0


class Watched:
    """A writer of twins that counts them."""

    def __init__(self, writer):
        self.writer, self.each_of, self.count = writer, writer.each_of, 0

    async def write(self, steps):
        self.count += sum(len(each.twins) for each in steps)
        await self.writer.write(steps)


async def together(uow):
    """How many were written with their twins."""
    uow.twins = Watched(uow.twins)
    claimed, opened = await renew_chunk(uow, RUN, NOW, 1000, PriceBook())
    assert claimed == opened == COUNT
    return uow.twins.count


async def left_by(database, call, renewing):
    """How many were written with their twins, and what is left; it is undone."""
    left = {}
    with suppress(Undone):
        async with database.begin(call) as tx:
            count = await renewing(PostgresUnitOfWork(tx))
            await tx.send()
            await tx.flush()
            for name, query in LEFT.items():
                left[name] = await (await tx.raw.execute(query)).fetchall()
            assert await broken_rows(tx) == []
            raise Undone
    return count, left


async def test_twins_leave_the_bytes_that_each_would_have_left(database, shop):
    call = service_call(shop, at=NOW)
    one_by_one, in_groups = [await left_by(database, call, renewing) for renewing in (alone, together)]
    assert (one_by_one[0], in_groups[0]) == (0, COUNT - 1)
    numbers = {"subscription": COUNT, "history": 3 * COUNT, "dues": COUNT, "events": 2 * COUNT}
    assert {name: len(rows) for name, rows in in_groups[1].items()} == numbers
    for name in LEFT:
        assert in_groups[1][name] == one_by_one[1][name], name


async def test_who_is_alike_is_claimed_in_groups(database, shop):
    async with database.begin(service_call(shop, at=NOW)) as tx:
        claimed = await PostgresUnitOfWork(tx).subscriptions.claim_due(NOW, 1000)
        assert [len(each) for each in claimed.twins] == [TWINS_MIN + 2] * 5
        assert len(claimed.alone) == 1
        assert claimed.alone[0].items[1].quantity == Fraction(77)
        assert all(each.ids[0] == each.first.id.bytes for each in claimed.twins)


async def test_children_whose_parent_pays_are_billed_one_by_one(database, shop):
    async with database.begin(service_call(shop, at=NOW)) as tx:
        uow = PostgresUnitOfWork(tx)
        parent = build.customer()
        await uow.customers.add(parent, build.ADA)
        await tx.send()
        query = "UPDATE customer SET parent_customer_id = %s, billed_to_parent = true WHERE customer_id <> %s"
        await tx.raw.execute(query, (parent.id, parent.id))
        assert await together(uow) == 0
        await tx.flush()
        keys = await (await tx.raw.execute("SELECT DISTINCT key FROM outbox WHERE type LIKE '%BillingDue'")).fetchall()
        assert len(keys) == 1
