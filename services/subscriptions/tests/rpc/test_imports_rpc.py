"""Import through the real server: what another system has billed is never billed again, and nothing comes in twice."""

import asyncio

import pytest
import subscriptions_requests as requests
from billing.subscriptions.v1 import customers_service_pb2, imports_service_pb2
from billing_kernel.ids import encode, uuid7
from imports_requests import NOW, bill, got, imported, item, one

pb = imports_service_pb2


@pytest.fixture
async def version(admin, peer):
    await requests.set_clock(peer, NOW)
    return await requests.make_version(admin, requests.BASE, requests.SEATS)


async def test_what_runs_goes_on_where_the_other_system_stopped(admin, peer, version, database, tenant_id):
    result, made = await one(admin, quantities=[requests.quantity("seats", "7")])
    assert made.state == 2  # active
    assert (made.external_id, made.period_index) == ("contract-1", 1)
    assert made.current_period.start == requests.stamp("2026-02-28")
    assert result.next_due_time == made.next_due_time == requests.stamp("2026-03-31")
    assert [each.quantity for each in made.items] == ["1", "7"]
    assert await bill(peer, database, tenant_id, "2026-03-30T00:00:00Z") == []
    billed = await bill(peer, database, tenant_id, "2026-03-31T00:00:00Z")
    assert billed == [("base", "2026-03-31", "2026-04-30"), ("seats", "2026-03-31", "2026-04-30")]


async def test_what_is_not_billed_yet_is_billed_here(admin, peer, version, database, tenant_id):
    await one(admin, billed_until_time="2026-02-28")
    billed = await bill(peer, database, tenant_id, "2026-03-11T00:00:00Z")
    assert billed == [("base", "2026-02-28", "2026-03-31"), ("seats", "2026-02-28", "2026-03-31")]


async def test_what_was_paid_ahead_is_not_billed(admin, peer, version, database, tenant_id):
    await one(admin, billed_until_time="2026-05-31")
    assert await bill(peer, database, tenant_id, "2026-05-30T00:00:00Z") == []
    billed = await bill(peer, database, tenant_id, "2026-05-31T00:00:00Z")
    assert {period for _, *period in [(code, start) for code, start, _ in billed] for period in period} == {
        "2026-05-31"
    }


async def test_a_trial_goes_on_and_ends_as_it_would_have(admin, peer, version, database, tenant_id):
    result, made = await one(admin, start="2026-03-01", trial_end_time="2026-03-15T08:00:00Z")
    assert made.state == 1  # trialing
    assert result.next_due_time == made.trial_end_time == requests.stamp("2026-03-15T08:00:00Z")
    assert await bill(peer, database, tenant_id, "2026-03-15T07:59:00Z") == []
    billed = await bill(peer, database, tenant_id, "2026-03-15T08:00:00Z")
    assert billed[0] == ("base", "2026-03-15", "2026-04-15")


async def test_a_trial_that_is_over_gives_the_anchor(admin, version):
    _, made = await one(admin, start="2026-01-01", trial_end_time="2026-01-15")
    assert made.state == 2
    assert made.start_time == requests.stamp("2026-01-01")
    assert made.current_period.start == requests.stamp("2026-02-15")
    assert made.next_due_time == requests.stamp("2026-03-15")


async def test_past_due_stays_so(admin, version):
    _, made = await one(admin, state="SUBSCRIPTION_STATE_PAST_DUE")
    assert (made.state, made.unpaid) == (3, True)


async def test_a_pause_goes_on_without_a_line(admin, peer, version, database, tenant_id):
    _, made = await one(admin, state="SUBSCRIPTION_STATE_PAUSED", resume_time="2026-04-30")
    assert made.state == 7
    assert not made.pending_charges
    assert await bill(peer, database, tenant_id, "2026-04-29T00:00:00Z") == []
    billed = await bill(peer, database, tenant_id, "2026-04-30T00:00:00Z")
    assert ("base", "2026-04-30", "2026-05-31") in billed
    assert all(start >= "2026-04-30" for _, start, _ in billed)
    assert (await got(admin, made.subscription_id)).state == 2


async def test_an_end_that_was_planned_comes(admin, peer, version, database, tenant_id):
    _, made = await one(admin, cancel_at_period_end=True)
    assert made.cancel_at_period_end
    assert await bill(peer, database, tenant_id, "2026-04-15T00:00:00Z") == []
    assert (await got(admin, made.subscription_id)).state == 4


async def test_a_repetition_imports_nothing_twice(admin, version):
    items = [item(number) for number in range(5)]
    first = await imported(admin, *items)
    again = await imported(admin, *items, item(9))
    assert (first.imported, again.imported, again.existing) == (5, 1, 5)
    assert [each.subscription_id for each in again.results[:5]] == [each.subscription_id for each in first.results]


async def test_two_at_once_import_nothing_twice(admin, version):
    items = [item(number) for number in range(8)]
    answers = await asyncio.gather(*(imported(admin, *items) for _ in range(3)))
    assert all(each.refused == 0 for each in answers), [each.results for each in answers]
    assert sum(each.imported for each in answers) == 8
    listed = await admin.customers("ListCustomers", customers_service_pb2.ListCustomersRequest())
    assert len(listed.customers) == 8


async def test_a_customer_with_several_subscriptions_and_one_alone(admin, version):
    two = item(2)
    two.external_customer_id = "customer-1"
    two.ClearField("customer")
    alone = item(3, external_subscription_id="", start="")
    alone.ClearField("plan_code")
    answer = await imported(admin, item(1), two, alone)
    assert [each.outcome for each in answer.results] == [pb.IMPORT_OUTCOME_IMPORTED] * 3
    assert answer.results[0].customer_id == answer.results[1].customer_id
    assert (answer.results[2].subscription_id, bool(answer.results[2].customer_id)) == ("", True)


async def test_a_dry_run_says_the_same_and_writes_nothing(admin, version, database, tenant_id):
    two = item(2)
    two.external_customer_id = "customer-1"
    two.ClearField("customer")
    items = [item(1), two, item(3, start="2027-01-01"), item(4, plan_code="none")]
    dry = await imported(admin, *items, dry_run=True)
    listed = await admin.customers("ListCustomers", customers_service_pb2.ListCustomersRequest())
    assert len(listed.customers) == 0
    async with database.worker() as conn:
        query = "SELECT count(*) FROM outbox WHERE tenant_id = %s AND type NOT LIKE '%%PlanVersionPublished'"
        assert (await conn.exec_driver_sql(query, (tenant_id,))).scalar_one() == 0
    real = await imported(admin, *items)
    assert [(each.outcome, each.error.reason) for each in dry.results] == [
        (each.outcome, each.error.reason) for each in real.results
    ]
    assert [each.next_due_time for each in dry.results] == [each.next_due_time for each in real.results]
    assert {each.subscription_id for each in dry.results} == {""}
    assert (dry.imported, dry.refused) == (real.imported, real.refused) == (2, 2)


@pytest.mark.parametrize(
    ("changes", "reason", "field"),
    [
        ({"start": ""}, "INVALID_IMPORT", "start_time"),
        ({"start": "2026-04-01"}, "INVALID_IMPORT", "start_time"),
        ({"trial_end_time": "2026-01-30"}, "INVALID_IMPORT", "trial_end_time"),
        ({"trial_end_time": "2026-04-01", "state": "SUBSCRIPTION_STATE_ACTIVE"}, "INVALID_IMPORT", "trial_end_time"),
        ({"state": "SUBSCRIPTION_STATE_TRIALING"}, "INVALID_IMPORT", "trial_end_time"),
        ({"billed_until_time": "2026-01-01"}, "INVALID_IMPORT", "billed_until_time"),
        ({"trial_end_time": "2026-04-01", "billed_until_time": "2026-04-01"}, "INVALID_IMPORT", "billed_until_time"),
        ({"state": 7, "billed_until_time": "2026-02-01"}, "INVALID_IMPORT", "billed_until_time"),
        ({"resume_time": "2026-04-01"}, "INVALID_IMPORT", "resume_time"),
        ({"state": 7, "resume_time": "2026-03-01"}, "INVALID_IMPORT", "resume_time"),
        ({"plan_code": ""}, "INVALID_IMPORT", "plan_code"),
        ({"plan_code": "none"}, "PLAN_NOT_FOUND", ""),
        ({"plan_code": "", "plan_version_id": encode("pv", uuid7())}, "PLAN_VERSION_NOT_FOUND", ""),
        ({"state": 4}, "VALIDATION_FAILED", "state"),
        ({"external_customer_id": ""}, "VALIDATION_FAILED", "external_customer_id"),
        ({"quantities": [requests.quantity("none", "1")]}, "INVALID_QUANTITY", None),
        ({"customer": requests.create_customer(external_id="other")}, "INVALID_IMPORT", "customer.external_id"),
        ({"customer": requests.create_customer(currency_code="XXX")}, "UNKNOWN_CURRENCY", None),
        ({"customer": None}, "CUSTOMER_NOT_FOUND", ""),
    ],
)
async def test_an_item_that_is_wrong_is_refused_and_its_neighbours_are_not(admin, version, changes, reason, field):
    answer = await imported(admin, item(1), item(2, **changes), item(3))
    assert [each.outcome for each in answer.results] == [
        pb.IMPORT_OUTCOME_IMPORTED,
        pb.IMPORT_OUTCOME_REFUSED,
        pb.IMPORT_OUTCOME_IMPORTED,
    ]
    error = answer.results[1].error
    assert error.reason == reason, error
    assert field is None or error.field == field
    assert (answer.imported, answer.refused) == (2, 1)


async def test_an_external_id_of_another_customers_subscription(admin, version):
    await imported(admin, item(1))
    answer = await imported(admin, item(2, external_subscription_id="contract-1"))
    assert answer.results[0].error.reason == "CUSTOMER_MISMATCH"
    found = await admin.customers("ListCustomers", customers_service_pb2.ListCustomersRequest())
    assert len(found.customers) == 1  # nothing half done: its customer is not there either


async def test_a_viewer_imports_nothing(client_of, tenant_id, version, refused):
    viewer = client_of(tenant_id, "billing_viewer")
    assert (await refused(imported(viewer, item(1)))).reason == "PERMISSION_DENIED"
