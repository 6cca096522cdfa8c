"""An upgrade in the middle of a month, with proration, history, event and stored answer, against a bare echo."""

import asyncio
import statistics
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import psycopg
from billing.subscriptions.v1 import policy_pb2, subscription_pb2
from billing.subscriptions.v1 import subscriptions_service_pb2 as subscriptions
from billing.subscriptions.v1 import subscriptions_service_pb2_grpc as subscriptions_grpc
from billing_kernel.ids import uuid7
from billing_runtime.call import calling
from billing_runtime.database import Database
from billing_subscriptions.operations.run_renewals import run_renewals
from billing_subscriptions.storage.unit_of_work import units_of_work
from billing_subscriptions.wire.ids import subscription_text, version_text
from billing_testkit.tenants import service_call

from tests.bench.calls import PAIRS, World, interleaved, measured, world
from tests.bench.figures import Row, median, row_of
from tests.bench.load import Load, grpc_frame, grpc_headers
from tests.bench.subscribers import fee, plan_of, subscribe

FLOOR, AIM = 0.05, 0.15
CHANGE = "/billing.subscriptions.v1.SubscriptionsService/ChangeSubscription"
RUNS = PAIRS + 1  # with the one that is not counted
EACH = 2500  # subscriptions a run: more than it can change
ALIKE_BYTES = 400  # the amounts depend on the second
LIMIT = 5000
CHANGED = """
SELECT (SELECT count(*) FROM subscription WHERE tenant_id = %(tenant)s AND plan_version_id = %(version)s
        AND jsonb_array_length(pending) = 2),
(SELECT count(*) FROM subscription_change WHERE tenant_id = %(tenant)s AND kind = 'UPGRADE'
        AND cardinality(charge_ids) = 2),
(SELECT count(*) FROM outbox WHERE tenant_id = %(tenant)s AND type LIKE '%%SubscriptionUpdated' AND sequence = 3),
(SELECT count(*) FROM idempotency WHERE tenant_id = %(tenant)s)
"""


def measure(root: Path) -> Row:
    """Each call changed one subscription once: a credit and a charge wait for its next invoice."""
    done = 0
    with world(root) as mesh:
        ids, version_id = asyncio.run(_subscribed(mesh))
        slices = iter([ids[first : first + EACH] for first in range(0, len(ids) - 1, EACH)])

        def change():  # type: ignore[no-untyped-def]
            nonlocal done
            found = measured(change_load(mesh, version_id, slices, ids[-1]), mesh.server)
            done += found.result.done
            return found

        pairs = interleaved(lambda: measured(mesh.echo(), mesh.echo_server), change)
        with psycopg.connect(mesh.fleet.owner_dsn("subscriptions")) as database:
            counted = database.execute(CHANGED, {"tenant": mesh.tenant, "version": version_id}).fetchone()
        assert counted == (done + 1,) * 4, f"{done} changes left {counted}"
    ratios = [changed.result.per_s / echo.result.per_s for echo, changed in pairs]
    figures = {
        "ratio by CPU": round(statistics.median(echo.cpu_us / changed.cpu_us for echo, changed in pairs), 3),
        "change/s": median([changed.result.per_s for _, changed in pairs]),
        "echo/s": median([echo.result.per_s for echo, _ in pairs]),
        "change µs CPU": median([changed.cpu_us for _, changed in pairs]),
        "p99 ms": median([changed.result.p99_ms for _, changed in pairs]),
        "changed": done,
    }
    return row_of("change", ratios, floor=FLOOR, aim=AIM, figures=figures)


async def _subscribed(mesh: World) -> tuple[list[UUID], UUID]:
    """Subscriptions in the middle of their month whose starts are billed, one more than the runs need; the version
    to change to."""
    start = datetime.now(UTC) - timedelta(days=10)
    database = Database.open(mesh.fleet.databases["subscriptions"].database_url)
    try:
        basic = await plan_of(database, mesh.tenant, "basic", [fee("49")], start)
        ids = await subscribe(database, mesh.tenant, RUNS * EACH + 1, basic, at=start)
        with calling(service_call(mesh.tenant)):
            while (await run_renewals(units_of_work(database), uuid7(), start, LIMIT)).more:
                pass
        return ids, await plan_of(database, mesh.tenant, "plus", [fee("99")], start)
    finally:
        await database.close()


def change_load(mesh: World, version_id: UUID, slices: Iterator[list[UUID]], sample: UUID) -> Load:
    """Upgrades each of the next slice; the first answer tells what the others look like."""
    address = mesh.fleet.address("subscriptions")
    bodies = [grpc_frame(_request(each, version_id).SerializeToString()).hex() for each in next(slices)]
    return Load(
        address,
        grpc_headers(address, CHANGE, mesh.token),
        bodies[0],
        grpc_frame(_sample(mesh, _request(sample, version_id))).hex(),
        alike=True,
        key_prefix=f"{uuid7()}-",
        bodies=bodies,
        alike_bytes=ALIKE_BYTES,
    )


def _request(subscription_id: UUID, version_id: UUID) -> subscriptions.ChangeSubscriptionRequest:
    return subscriptions.ChangeSubscriptionRequest(
        subscription_id=subscription_text(subscription_id),
        change=subscription_pb2.SubscriptionChange(plan_version_id=version_text(version_id)),
        when=policy_pb2.CHANGE_WHEN_NOW,
    )


def _sample(mesh: World, request: subscriptions.ChangeSubscriptionRequest) -> bytes:
    """The answer for a subscription of its own; the key makes it the same in each run."""
    metadata = (*mesh.credentials, ("idempotency-key", "sample"))
    answer = subscriptions_grpc.SubscriptionsServiceStub(mesh.channel).ChangeSubscription(request, metadata=metadata)
    assert [each.amount.amount_minor > 0 for each in answer.charges] == [False, True]
    return answer.SerializeToString(deterministic=True)
