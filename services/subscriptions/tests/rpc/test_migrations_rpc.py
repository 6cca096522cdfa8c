"""MigrationsService over gRPC with the job behind it: every method, good and bad."""

import asyncio

import pytest
import subscriptions_requests as ask
from billing.subscriptions.v1 import migration_pb2, policy_pb2, subscriptions_service_pb2
from billing.subscriptions.v1 import migrations_service_pb2 as pb
from billing_kernel.ids import encode, uuid7
from billing_subscriptions.config import Settings
from billing_subscriptions.jobs.migrate_subscriptions import NAME, migrate_subscriptions
from billing_subscriptions.main import assemble
from google.protobuf.field_mask_pb2 import FieldMask

NOW = policy_pb2.CHANGE_WHEN_NOW
PERIOD_END = policy_pb2.CHANGE_WHEN_PERIOD_END
CHEAP = ask.item("base", "FLAT", {"flat": {"amount": "49"}})
DEAR = ask.item("base", "FLAT", {"flat": {"amount": "79"}})


@pytest.fixture
def work(database, meters, usage):
    """Lets the job run until no migration is open."""
    (job,) = (each for each in assemble(database, meters, Settings("127.0.0.1:1"), usage).jobs if each.name == NAME)

    async def worked():
        while await job.run():
            pass

    return worked


@pytest.fixture
async def shop(admin, peer):
    """Three subscriptions to a version of 49.00 a month since 1 January, one of 79.00; it is the 16th, noon."""
    await ask.set_clock(peer, "2026-01-01")
    customer = await ask.make_customer(admin)
    old, new = [await ask.make_version(admin, item, code=code) for item, code in ((CHEAP, "old"), (DEAR, "new"))]
    made = []
    for _ in range(3):
        request = ask.subscribe(customer.customer_id, old.plan_version_id)
        made.append((await admin.subscriptions("CreateSubscription", request)).subscription.subscription_id)
    await ask.set_clock(peer, "2026-01-16T12:00:00Z")
    return old.plan_version_id, new.plan_version_id, sorted(made)


def wanted(*sources, to, **fields):
    return pb.CreateMigrationRequest(from_plan_version_ids=sources, to_plan_version_id=to, **fields)


async def create(client, request, key=None):
    return (await client.migrations("CreateMigration", request, key=key or str(uuid7()))).migration


async def get(client, migration_id, **fields):
    request = pb.GetMigrationRequest(migration_id=migration_id, **fields)
    return (await client.migrations("GetMigration", request)).migration


async def results(client, migration_id, **fields):
    request = pb.ListMigrationResultsRequest(migration_id=migration_id, **fields)
    return await client.migrations("ListMigrationResults", request)


async def test_a_migration_moves_everybody_and_says_what_it_charged(admin, shop, work):
    old, new, subscribed = shop
    asked = wanted(old, to=new, when=NOW, reason="prices of 2026")
    made = await create(admin, asked, "k")
    assert (made.state, made.total, made.processed) == (migration_pb2.MIGRATION_STATE_RUNNING, 3, 0)
    assert (made.when, made.reason, list(made.from_plan_version_ids)) == (NOW, "prices of 2026", [old])
    assert await create(admin, asked, "k") == made, "a key used again gives the first answer"
    await work()
    done = await get(admin, made.migration_id)
    assert (done.state, done.processed, done.migrated) == (migration_pb2.MIGRATION_STATE_COMPLETE, 3, 3)
    assert done.end_time.seconds >= done.create_time.seconds
    assert done.etag != made.etag
    (total,) = done.totals
    assert (total.charges.amount_minor, total.credits.amount_minor) == (3 * 3950, -3 * 2450)
    page = await results(admin, made.migration_id, page_size=2)
    rest = await results(admin, made.migration_id, page_size=2, page_token=page.next_page_token)
    found = [*page.results, *rest.results]
    assert ([each.subscription_id for each in found], rest.next_page_token) == (subscribed, "")
    assert {each.outcome for each in found} == {migration_pb2.MIGRATION_OUTCOME_MIGRATED}
    assert {(each.charges.amount_minor, each.credits.amount_minor) for each in found} == {(3950, -2450)}
    moved = await admin.subscriptions(
        "GetSubscription", subscriptions_service_pb2.GetSubscriptionRequest(subscription_id=subscribed[0])
    )
    assert moved.subscription.plan_version_id == new


async def test_a_dry_run_answers_the_same_and_moves_nobody(admin, shop, work):
    old, new, subscribed = shop
    dry, later = await create(admin, wanted(old, to=new, when=NOW, dry_run=True)), None
    await work()
    later = await create(admin, wanted(old, to=new, when=NOW))
    read = subscriptions_service_pb2.GetSubscriptionRequest(subscription_id=subscribed[0])
    assert (await admin.subscriptions("GetSubscription", read)).subscription.plan_version_id == old
    await work()
    told, real = await get(admin, dry.migration_id), await get(admin, later.migration_id)
    assert (told.dry_run, real.dry_run) == (True, False)
    assert list(told.totals) == list(real.totals)
    assert (told.migrated, real.migrated) == (3, 3)


async def test_results_are_filtered_by_outcome(admin, shop, work):
    old, new, _ = shop
    made = await create(admin, wanted(old, to=new, when=PERIOD_END))
    await work()
    scheduled = await results(admin, made.migration_id, outcome="MIGRATION_OUTCOME_SCHEDULED")
    assert {each.effective_time.ToJsonString() for each in scheduled.results} == {"2026-02-01T00:00:00Z"}
    assert (await results(admin, made.migration_id, outcome="MIGRATION_OUTCOME_REFUSED")).results == []
    masked = await results(admin, made.migration_id, read_mask=FieldMask(paths=["outcome"]))
    assert {each.subscription_id for each in masked.results} == {""}


async def test_migrations_are_listed_in_order_and_by_state(admin, shop, work):
    old, new, _ = shop
    first = await create(admin, wanted(old, to=new, dry_run=True))
    second = await create(admin, wanted(old, to=new, dry_run=True))
    listed = await admin.migrations("ListMigrations", pb.ListMigrationsRequest(page_size=1))
    onward = pb.ListMigrationsRequest(page_size=1, page_token=listed.next_page_token)
    rest = await admin.migrations("ListMigrations", onward)
    assert [*listed.migrations, *rest.migrations] == [first, second]
    await work()
    running = pb.ListMigrationsRequest(state=migration_pb2.MIGRATION_STATE_RUNNING)
    assert (await admin.migrations("ListMigrations", running)).migrations == []


async def test_a_migration_is_stopped_once_and_not_when_it_is_complete(admin, shop, work, refused):
    old, new, _ = shop
    request = pb.CancelMigrationRequest(migration_id=(await create(admin, wanted(old, to=new))).migration_id)
    stopped = (await admin.migrations("CancelMigration", request)).migration
    assert stopped.state == migration_pb2.MIGRATION_STATE_CANCELED
    assert (await admin.migrations("CancelMigration", request)).migration == stopped
    await work()
    assert (await get(admin, stopped.migration_id)).processed == 0
    done = await create(admin, wanted(old, to=new))
    await work()
    late = await refused(admin.migrations("CancelMigration", pb.CancelMigrationRequest(migration_id=done.migration_id)))
    assert (late.code, late.reason) == ("FAILED_PRECONDITION", "MIGRATION_COMPLETE")


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"from_plan_version_ids": []}, "from_plan_version_ids"),
        ({"from_plan_version_ids": ["pv_x"]}, "from_plan_version_ids[0]"),
        ({"from_plan_version_ids": [encode("pv", uuid7())] * 2}, None),
        ({"to_plan_version_id": ""}, "to_plan_version_id"),
        ({"when": policy_pb2.CHANGE_WHEN_ON_DATE}, "when"),
        ({"reason": "x" * 501}, "reason"),
        ({"proration": policy_pb2.Proration(nominal_days=-1)}, "proration.nominal_days"),
    ],
)
async def test_badly_formed_requests_are_refused(admin, shop, refused, fields, name):
    old, new, _ = shop
    request = pb.CreateMigrationRequest(**({"from_plan_version_ids": [old], "to_plan_version_id": new} | fields))
    refusal = await refused(admin.migrations("CreateMigration", request, key="k"))
    assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", "VALIDATION_FAILED")
    assert name is None or name in refusal.fields


async def test_what_the_state_forbids_is_refused_with_its_field(admin, shop, refused):
    old, new, _ = shop
    unknown = encode("pv", uuid7())
    await create(admin, wanted(old, to=new))
    for request, code, reason, field in (
        (wanted(unknown, to=new), "NOT_FOUND", "PLAN_VERSION_NOT_FOUND", "from_plan_version_ids[0]"),
        (wanted(old, to=unknown), "NOT_FOUND", "PLAN_VERSION_NOT_FOUND", "to_plan_version_id"),
        (wanted(old, new, to=new), "INVALID_ARGUMENT", "INVALID_MIGRATION", "from_plan_version_ids"),
        (wanted(new, to=new), "INVALID_ARGUMENT", "INVALID_MIGRATION", "from_plan_version_ids"),
        (wanted(old, to=new), "FAILED_PRECONDITION", "MIGRATION_OVERLAPS", "from_plan_version_ids"),
        (wanted(new, to=old), "FAILED_PRECONDITION", "MIGRATION_OVERLAPS", "from_plan_version_ids"),
    ):
        refusal = await refused(admin.migrations("CreateMigration", request, key=str(uuid7())))
        assert (refusal.code, refusal.reason, tuple(refusal.fields)) == (code, reason, (field,))
    assert len((await admin.migrations("ListMigrations", pb.ListMigrationsRequest())).migrations) == 1


async def test_a_migration_needs_a_key(admin, shop, refused):
    old, new, _ = shop
    refusal = await refused(admin.migrations("CreateMigration", wanted(old, to=new)))
    assert refusal.reason == "IDEMPOTENCY_KEY_REQUIRED"


async def test_unknown_ids_tokens_and_masks_are_refused(admin, refused):
    unknown = encode("mig", uuid7())
    for method, request, reason in (
        ("GetMigration", pb.GetMigrationRequest(migration_id=unknown), "MIGRATION_NOT_FOUND"),
        ("CancelMigration", pb.CancelMigrationRequest(migration_id=unknown), "MIGRATION_NOT_FOUND"),
        ("ListMigrationResults", pb.ListMigrationResultsRequest(migration_id=unknown), "MIGRATION_NOT_FOUND"),
        ("GetMigration", pb.GetMigrationRequest(migration_id="mig_x"), "VALIDATION_FAILED"),
        ("ListMigrations", pb.ListMigrationsRequest(page_token="x"), "INVALID_PAGE_TOKEN"),
        ("ListMigrations", pb.ListMigrationsRequest(read_mask=FieldMask(paths=["nope"])), "INVALID_READ_MASK"),
    ):
        assert (await refused(admin.migrations(method, request))).reason == reason


async def test_viewers_read_and_customers_do_not(admin, client_of, tenant_id, shop, refused):
    old, new, _ = shop
    made = await create(admin, wanted(old, to=new, dry_run=True))
    viewer = client_of(tenant_id, "billing_viewer")
    assert await get(viewer, made.migration_id) == made
    for client in (viewer, client_of(tenant_id, "customer", uuid7())):
        refusal = await refused(client.migrations("CreateMigration", wanted(old, to=new), key="v"))
        assert refusal.code == "PERMISSION_DENIED"
    customer = client_of(tenant_id, "customer", uuid7())
    request = pb.GetMigrationRequest(migration_id=made.migration_id)
    assert (await refused(customer.migrations("GetMigration", request))).code == "PERMISSION_DENIED"


async def test_one_that_fails_is_put_off_and_the_others_go_on(tenant_id):
    first, second = uuid7(), uuid7()
    left, put_off, moved = [first, second], [], []

    async def claim():
        return [(tenant_id, each, "user:alice") for each in left]

    async def migrate(migration_id):
        await asyncio.sleep(0)
        if migration_id == first:
            raise RuntimeError("no luck")
        moved.append(migration_id)
        return True

    async def postpone(_tenant_id, migration_id):
        put_off.append(migration_id)

    assert await migrate_subscriptions(claim, migrate, postpone).run() == 1
    assert (moved, put_off) == ([second], [first])
