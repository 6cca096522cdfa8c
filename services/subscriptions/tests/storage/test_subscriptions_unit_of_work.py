"""The ports behave alike in memory and on PostgreSQL."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
import subscriptions_builders as build
from billing_kernel.ids import uuid7
from billing_subscriptions.domain import customer as customers
from billing_subscriptions.domain.cancel import CancelAt, CancelOrder, cancel
from billing_subscriptions.domain.change import ChangeOrder, change
from billing_subscriptions.domain.change_matrix import Wishes
from billing_subscriptions.domain.charges import PriceBook
from billing_subscriptions.domain.customer import Address, Party, Terms
from billing_subscriptions.domain.errors import (
    CustomerNotFound,
    ExternalIdTaken,
    PlanCodeTaken,
    PlanNotFound,
    PlanVersionNotFound,
    SubscriptionNotFound,
)
from billing_subscriptions.domain.events import BillingDue
from billing_subscriptions.domain.policy import ChangeWhen
from billing_subscriptions.domain.standing import mark_standing, relabel
from billing_subscriptions.domain.subscription import Change, State
from billing_subscriptions.domain.tax_ids import TaxId, TaxIdType
from billing_subscriptions.operations.ports import Outcome, Settlement
from billing_subscriptions.storage.unit_of_work import PostgresUnitOfWork
from billing_testkit.tenants import admin_call
from psycopg.errors import DivisionByZero, UniqueViolation
from subscriptions_builders import utc
from subscriptions_fakes import FakeUnitOfWork

NOW = utc("2026-04-15T10:20:30")
TERMS = {
    "external_id": "acme",
    "tax_ids": (TaxId(TaxIdType.EU_VAT, "FR40303265045"),),
    "currency": "EUR",
    "zone": "Europe/Paris",
    "collection": customers.CollectionMethod.SEND,
    "net_terms_days": 30,
    "metadata": {"a": "ä"},
}


class UnitOfWorkContract:
    async def shop(self, uow):
        """A customer, a plan version with every kind of item, and a subscription to it."""
        plan = build.plan()
        version = build.version([build.flat(), build.seat("0.5"), build.metered()], of=plan, trial_days=0)
        buyer = build.customer(**TERMS)
        await uow.customers.add(buyer, build.ADA)
        await uow.plans.add(plan)
        await uow.plans.add_version(version)
        started = build.started(version, buyer, quantities=build.quantities(seats="2.25"), external_id="s")
        await uow.subscriptions.write([started])
        return buyer, plan, version, started.after

    async def test_values_come_back_as_they_went(self, uow):
        buyer, plan, version, made = await self.shop(uow)
        assert await uow.customers.lock(buyer.id) == buyer
        assert await uow.customers.party(buyer) == build.ADA
        assert await uow.plans.lock(plan.id) == replace(plan, current_version_id=version.id)
        assert await uow.plans.version(version.id) == version
        assert await uow.subscriptions.lock(made.id) == made
        assert await uow.customers.get_many([buyer.id, uuid7()]) == {buyer.id: buyer}
        assert await uow.plans.versions([version.id, uuid7()]) == {version.id: version}
        assert await uow.plans.last_number(plan.id) == 1
        assert await uow.plans.last_number(uuid7()) == 0
        assert await uow.customers.running_subscriptions(buyer.id) == 1

    @pytest.mark.parametrize(
        ("read", "refusal"),
        [
            (lambda uow: uow.customers.lock(uuid7()), CustomerNotFound),
            (lambda uow: uow.plans.lock(uuid7()), PlanNotFound),
            (lambda uow: uow.plans.version(uuid7()), PlanVersionNotFound),
            (lambda uow: uow.subscriptions.lock(uuid7()), SubscriptionNotFound),
        ],
    )
    async def test_what_is_unknown_is_refused(self, uow, read, refusal):
        with pytest.raises(refusal):
            await read(uow)

    async def test_saved_changes_come_back(self, uow):
        buyer, plan, _, made = await self.shop(uow)
        moved = customers.change(buyer, Terms(external_id=""), Party("Ada", Address("FR")), now=NOW)
        await uow.customers.save(moved, Party("Ada", Address("FR")))
        assert await uow.customers.lock(buyer.id) == moved
        assert await uow.customers.party(buyer) == build.ADA
        await uow.plans.save(replace(plan, name="Pro+", version=2))
        assert (await uow.plans.lock(plan.id)).name == "Pro+"
        changed = relabel(made, "", {"b": "2"}, now=NOW)
        await uow.subscriptions.write([changed])
        await uow.subscriptions.write([])
        assert await uow.subscriptions.lock(made.id) == changed.after

    async def test_a_taken_external_id_of_a_customer(self, uow):
        await self.shop(uow)
        with pytest.raises(ExternalIdTaken):
            await uow.customers.add(build.customer(external_id="acme"), build.ADA)

    async def test_a_taken_external_id_of_a_subscription(self, uow):
        buyer, _, version, _ = await self.shop(uow)
        with pytest.raises(ExternalIdTaken):
            await uow.subscriptions.write([build.started(version, buyer, external_id="s")])

    async def test_a_taken_external_id_of_a_changed_subscription(self, uow):
        buyer, _, version, _ = await self.shop(uow)
        other = build.started(version, buyer)
        await uow.subscriptions.write([other])
        with pytest.raises(ExternalIdTaken):
            await uow.subscriptions.write([relabel(other.after, "s", {}, now=NOW)])

    async def test_a_taken_plan_code(self, uow):
        await self.shop(uow)
        with pytest.raises(PlanCodeTaken):
            await uow.plans.add(build.plan())

    async def test_empty_names_are_not_taken(self, uow):
        for _ in range(2):
            await uow.customers.add(build.customer(), build.ADA)

    async def test_what_is_due_is_claimed_oldest_first(self, uow):
        buyer, _, version, made = await self.shop(uow)
        started = build.started(version, buyer, start="2026-02-01")
        later = started.after
        await uow.subscriptions.write([started])
        assert [each.id for each in (await uow.subscriptions.claim_due(NOW, 9)).alone] == [made.id, later.id]
        assert [each.id for each in (await uow.subscriptions.claim_due(NOW, 1)).alone] == [made.id]
        assert not await uow.subscriptions.claim_due(utc("2025-12-31"), 9)
        assert await uow.subscriptions.is_due(utc("2026-01-01"))
        assert not await uow.subscriptions.is_due(utc("2025-12-31"))

    async def test_renewed_subscriptions_come_back(self, uow):
        buyer, _, version, _ = await self.shop(uow)
        other = build.started(version, buyer)
        wanted = ChangeOrder(Change(quantities={"seats": Fraction(7)}), Wishes(when=ChangeWhen.PERIOD_END))
        changed = change(other.after, wanted, build.offers(version), PriceBook(), now=utc("2026-01-01"))
        await uow.subscriptions.write([other, *changed])
        assert await uow.subscriptions.lock(other.after.id) == changed[-1].after
        for _ in range(2):
            claimed = (await uow.subscriptions.claim_due(NOW, 9)).alone
            renewals = [build.renewed(each, version)[0] for each in claimed]
            await uow.subscriptions.write(renewals)
            for each in renewals:
                assert await uow.subscriptions.lock(each.after.id) == each.after
        items = (await uow.subscriptions.lock(other.after.id)).items
        assert {item.code: item.quantity for item in items}["seats"] == 7

    async def test_several_steps_of_one_subscription_are_one_write(self, uow):
        *_, version, made = await self.shop(uow)
        steps = build.renewed(made, version, 3)
        await uow.subscriptions.write(steps, "because")
        assert await uow.subscriptions.lock(made.id) == steps[-1].after

    async def test_a_stale_version_is_never_written(self, uow):
        *_, made = await self.shop(uow)
        changed = relabel(made, "x", {}, now=NOW)
        await uow.subscriptions.write([changed])
        with pytest.raises((AssertionError, DivisionByZero, UniqueViolation)):
            await uow.subscriptions.write([changed])

    async def test_dues_are_opened_counted_and_settled_once(self, uow):
        due = await self.open_due(uow)
        assert await uow.dues.count(due.run_id) == 1
        assert await uow.dues.count(uuid7()) == 0
        soon = datetime.now(UTC) + timedelta(days=1)
        assert await uow.dues.republish([due.step.due.id, uuid7()], soon) == 1
        assert await uow.dues.republish([due.step.due.id], soon - timedelta(days=2)) == 0
        await uow.dues.settle([Settlement(due.step.due.id, outcome) for outcome in (Outcome.PARKED, Outcome.INVOICED)])
        await uow.dues.settle([Settlement(due.step.due.id, Outcome.NOTHING_TO_BILL)])
        assert await uow.dues.republish([due.step.due.id], soon) == 0
        assert await uow.dues.count(due.run_id) == 1

    async def open_due(self, uow):
        buyer, _, version, made = await self.shop(uow)
        (renewal,) = build.renewed(made, version)
        due = BillingDue(renewal, buyer, uuid7())
        await uow.subscriptions.write([renewal])
        await uow.dues.add([due])
        return due

    async def test_standings(self, uow):
        buyer, _, version, made = await self.shop(uow)
        first, second = (made.id, uuid7()), (made.id, uuid7())
        assert [each.id for each in await uow.subscriptions.note_unpaid([first, second, first])] == [made.id]
        past_due = mark_standing(made, unpaid=True, at=NOW, now=NOW)
        await uow.subscriptions.write([past_due])
        assert await uow.subscriptions.note_unpaid([first]) == [past_due.after]
        assert await uow.subscriptions.note_paid([first, first]) == []
        assert await uow.subscriptions.note_paid([second]) == [past_due.after]
        other = build.started(version, buyer)
        await uow.subscriptions.write([other])
        assert await uow.subscriptions.note_paid([(other.after.id, first[1])]) == [other.after]
        assert await uow.subscriptions.note_unpaid([(other.after.id, first[1])]) == []
        assert await uow.subscriptions.note_unpaid([(uuid7(), uuid7())]) == []

    async def test_a_canceled_subscription_comes_back(self, uow):
        buyer, _, version, made = await self.shop(uow)
        order, at = CancelOrder(CancelAt.NOW), utc("2026-01-15T10:00")
        canceled = cancel(made, order, build.offers(version), PriceBook(), now=at)
        await uow.subscriptions.write([canceled])
        assert await uow.subscriptions.lock(made.id) == canceled.after
        assert canceled.after.state is State.CANCELED
        assert await uow.customers.running_subscriptions(buyer.id) == 0

    async def test_payment_methods(self, uow):
        one, two = uuid7(), uuid7()
        methods = [(one, uuid7()), (one, uuid7()), (two, uuid7())]
        await uow.payment_methods.attach([*methods, methods[0]])
        assert await uow.payment_methods.having_one([one, uuid7()]) == {one}
        await uow.payment_methods.detach(methods[:1])
        assert await uow.payment_methods.having_one([one, two]) == {one, two}
        await uow.payment_methods.detach(methods)
        assert await uow.payment_methods.having_one([one, two]) == frozenset()


class TestFake(UnitOfWorkContract):
    @pytest.fixture
    def uow(self):
        return FakeUnitOfWork(NOW)


class TestPostgres(UnitOfWorkContract):
    @pytest.fixture
    async def uow(self, database, tenant_id):
        try:
            async with database.begin(admin_call(tenant_id, at=NOW)) as tx:
                yield PostgresUnitOfWork(tx)
                await tx.raw.rollback()
        except Exception:  # a test that ends in a refused statement leaves nothing to commit
            pass
