"""Parents of customers through the real server: cycles, also of two calls at once, and who pays."""

import asyncio

import pytest
import subscriptions_requests as requests
from billing.subscriptions.v1 import customers_service_pb2 as pb
from billing.subscriptions.v1 import renewals_service_pb2
from billing_kernel.ids import encode, uuid7
from google.protobuf.field_mask_pb2 import FieldMask


def parented(customer, parent="", billed=None, **more):
    change = pb.CustomerChange(parent_customer_id=parent, billed_to_parent=bool(billed), **more)
    paths = ["parent_customer_id", *(["billed_to_parent"] if billed is not None else []), *more]
    return pb.UpdateCustomerRequest(
        customer_id=customer.customer_id, customer=change, update_mask=FieldMask(paths=paths)
    )


async def move(client, customer, parent="", billed=None, **more):
    return (await client.customers("UpdateCustomer", parented(customer, parent, billed, **more))).customer


async def family(admin, count):
    """Customers, each the child of the one before; the topmost first."""
    made = [await requests.make_customer(admin)]
    for _ in range(count - 1):
        made.append(await requests.make_customer(admin, parent_customer_id=made[-1].customer_id))
    return made


async def test_a_customer_is_made_under_its_parent_moves_and_leaves_it(admin):
    top, child = await family(admin, 2)
    assert (child.parent_customer_id, child.billed_to_parent) == (top.customer_id, False)
    child = await move(admin, child, top.customer_id, True)
    assert child.billed_to_parent
    child = await move(admin, child, "", False)
    assert (child.parent_customer_id, child.billed_to_parent) == ("", False)


async def test_a_parent_that_is_not_there_or_of_another_tenant(admin, client_of, refused):
    child = await requests.make_customer(admin)
    theirs = await requests.make_customer(client_of(uuid7()))
    for parent in (encode("cus", uuid7()), theirs.customer_id):
        refusal = await refused(admin.customers("UpdateCustomer", parented(child, parent)))
        assert (refusal.code, refusal.reason) == ("NOT_FOUND", "CUSTOMER_NOT_FOUND")
        made = admin.customers("CreateCustomer", requests.create_customer(parent_customer_id=parent))
        assert (await refused(made)).reason == "CUSTOMER_NOT_FOUND"


@pytest.mark.parametrize("place", range(3))
async def test_a_cycle_is_refused(admin, refused, place):
    line = await family(admin, 3)
    refusal = await refused(admin.customers("UpdateCustomer", parented(line[0], line[place].customer_id)))
    assert (refusal.code, refusal.reason) == ("FAILED_PRECONDITION", "CUSTOMER_CYCLE")
    assert refusal.fields == ("parent_customer_id",)


async def test_two_calls_at_once_never_make_a_cycle(admin):
    for _ in range(5):
        one, other = await requests.make_customer(admin), await requests.make_customer(admin)
        found = await asyncio.gather(
            move(admin, one, other.customer_id), move(admin, other, one.customer_id), return_exceptions=True
        )
        assert sum(isinstance(each, Exception) for each in found) == 1


async def test_many_calls_at_once_leave_a_tree(admin, database, tenant_id):
    made = [await requests.make_customer(admin) for _ in range(6)]
    ring = zip(made, [*made[1:], made[0]], strict=True)
    await asyncio.gather(*(move(admin, one, other.customer_id) for one, other in ring), return_exceptions=True)
    parents = {}
    for each in made:
        got = await admin.customers("GetCustomer", pb.GetCustomerRequest(customer_id=each.customer_id))
        parents[each.customer_id] = got.customer.parent_customer_id
    for start in parents:
        seen, at = set(), start
        while at:
            assert at not in seen, "a cycle"
            seen.add(at)
            at = parents[at]
        assert len(seen) <= 5


async def test_a_tree_that_is_too_deep_is_refused(admin, refused):
    line = await family(admin, 5)
    deeper = admin.customers("CreateCustomer", requests.create_customer(parent_customer_id=line[-1].customer_id))
    assert (await refused(deeper)).reason == "HIERARCHY_TOO_DEEP"
    other = (await family(admin, 2))[1]
    under = admin.customers("UpdateCustomer", parented(line[0], other.customer_id))
    assert (await refused(under)).reason == "HIERARCHY_TOO_DEEP"


async def test_who_pays_shares_the_currency_and_keeps_it(admin, refused):
    top = await requests.make_customer(admin, currency_code="USD")
    child = await requests.make_customer(admin)
    billed = admin.customers("UpdateCustomer", parented(child, top.customer_id, True))
    assert (await refused(billed)).reason == "CURRENCY_MISMATCH"
    await move(admin, child, top.customer_id, True, currency_code="USD")
    changed = pb.UpdateCustomerRequest(
        customer_id=top.customer_id,
        customer=pb.CustomerChange(currency_code="EUR"),
        update_mask=FieldMask(paths=["currency_code"]),
    )
    assert (await refused(admin.customers("UpdateCustomer", changed))).reason == "CUSTOMER_PAYS_FOR_OTHERS"


async def test_nobody_pays_without_a_parent(admin, refused):
    alone = admin.customers("CreateCustomer", requests.create_customer(billed_to_parent=True))
    refusal = await refused(alone)
    assert (refusal.reason, refusal.fields) == ("INVALID_PARENT", ("billed_to_parent",))


async def test_who_pays_for_others_is_not_archived(admin, refused):
    top, child = await family(admin, 2)
    await move(admin, child, top.customer_id, True)
    archive = pb.ArchiveCustomerRequest(customer_id=top.customer_id)
    assert (await refused(admin.customers("ArchiveCustomer", archive))).reason == "CUSTOMER_PAYS_FOR_OTHERS"
    await move(admin, child, top.customer_id, False)
    await admin.customers("ArchiveCustomer", archive)


async def test_the_topmost_payer_is_billed(admin, peer):
    line = await family(admin, 3)
    for child, parent in zip(line[1:], line, strict=False):
        await move(admin, child, parent.customer_id, True)
    version = await requests.make_version(admin, requests.BASE)
    request = requests.subscribe(line[2].customer_id, version.plan_version_id)
    made = (await admin.subscriptions("CreateSubscription", request)).subscription
    preview = renewals_service_pb2.PreviewBillingDueRequest(subscription_id=made.subscription_id)
    due = (await peer.renewals("PreviewBillingDue", preview)).due
    assert (due.customer_id, due.payer_customer_id) == (line[2].customer_id, line[0].customer_id)
    assert (due.party_id, due.party_version) == (line[0].party_id, line[0].party_version)
    await move(admin, line[1], line[0].customer_id, False)
    due = (await peer.renewals("PreviewBillingDue", preview)).due
    assert (due.payer_customer_id, due.party_id) == (line[1].customer_id, line[1].party_id)


async def test_a_run_publishes_the_due_under_its_payer(admin, peer, database, tenant_id):
    top, child = await family(admin, 2)
    await move(admin, child, top.customer_id, True)
    version = await requests.make_version(admin, requests.BASE)
    request = requests.subscribe(child.customer_id, version.plan_version_id, "2026-01-01")
    await admin.subscriptions("CreateSubscription", request)
    run = renewals_service_pb2.RunRenewalsRequest(
        run_id=encode("run", uuid7()), as_of=requests.stamp("2026-01-15"), limit=10
    )
    await peer.renewals("RunRenewals", run)
    async with database.worker() as conn:
        query = "SELECT key FROM outbox WHERE tenant_id = %s AND type LIKE '%%BillingDue'"
        keys = (await conn.exec_driver_sql(query, (tenant_id,))).scalars().all()
    assert set(keys) == {top.customer_id}
