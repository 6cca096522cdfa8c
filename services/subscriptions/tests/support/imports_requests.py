"""Items of imports, and what is billed after them."""

from typing import Any

import subscriptions_requests as requests
from billing.subscriptions.v1 import events_pb2, imports_service_pb2, renewals_service_pb2, subscriptions_service_pb2
from billing_kernel.ids import encode, uuid7

pb = imports_service_pb2
NOW = "2026-03-10T12:00:00Z"


def item(number: int = 1, start: str = "2026-01-31", **changes: Any) -> pb.ImportItem:
    """An item of the plan pro; texts in fields that end with _time become instants, an empty `start` is left out."""
    times = {name: requests.stamp(changes.pop(name)) for name in list(changes) if name.endswith("_time")}
    fields: dict[str, Any] = {
        "external_customer_id": f"customer-{number}",
        "customer": requests.create_customer(),
        "external_subscription_id": f"contract-{number}",
        "plan_code": "pro",
    }
    if start:
        times["start_time"] = requests.stamp(start)
    return pb.ImportItem(**(fields | changes | times))


async def imported(client: Any, *items: pb.ImportItem, dry_run: bool = False) -> Any:
    request = pb.ImportSubscriptionsRequest(items=items, dry_run=dry_run)
    return await client.call("imports", "ImportSubscriptions", request)


async def one(client: Any, **changes: Any) -> tuple[Any, Any]:
    """The result and the subscription of one item."""
    (result,) = (await imported(client, item(**changes))).results
    assert result.outcome == pb.IMPORT_OUTCOME_IMPORTED, result.error
    return result, await got(client, result.subscription_id)


async def got(client: Any, subscription_id: str) -> Any:
    request = subscriptions_service_pb2.GetSubscriptionRequest(subscription_id=subscription_id)
    return (await client.subscriptions("GetSubscription", request)).subscription


async def bill(peer: Any, database: Any, tenant_id: Any, as_of: str) -> list[tuple[str, str, str]]:
    """Moves the clock, runs the renewals, and gives all service periods billed so far."""
    await requests.set_clock(peer, as_of)
    request = renewals_service_pb2.RunRenewalsRequest(
        run_id=encode("run", uuid7()), as_of=requests.stamp(as_of), limit=1000
    )
    await peer.renewals("RunRenewals", request)
    async with database.worker() as conn:
        query = "SELECT payload FROM outbox WHERE tenant_id = %s AND type LIKE '%%BillingDue' ORDER BY id"
        payloads = (await conn.exec_driver_sql(query, (tenant_id,))).scalars().all()
    dues = [events_pb2.BillingDue.FromString(bytes(each)) for each in payloads]
    return [
        (each.code, each.service_period.start.ToJsonString()[:10], each.service_period.end.ToJsonString()[:10])
        for due in dues
        for each in due.charges
    ]
