"""Over all services: limits are held against real usage, a parent pays its child's invoice, an import goes on."""

import asyncio
from datetime import UTC, datetime

from billing.subscriptions.v1.customers_service_pb2 import CustomerChange, UpdateCustomerRequest
from billing.subscriptions.v1.entitlements_service_pb2 import (
    ENTITLEMENT_REASON_LIMIT_REACHED,
    CheckEntitlementRequest,
    CheckEntitlementResponse,
)
from billing.subscriptions.v1.entitlements_service_pb2_grpc import EntitlementsServiceStub
from billing.subscriptions.v1.features_service_pb2 import CreateFeatureRequest
from billing.subscriptions.v1.features_service_pb2_grpc import FeaturesServiceStub
from billing.subscriptions.v1.imports_service_pb2 import ImportItem, ImportSubscriptionsRequest
from billing.subscriptions.v1.imports_service_pb2_grpc import ImportsServiceStub
from billing.subscriptions.v1.policy_pb2 import Entitlement, MeteredGrant, PlanTerms
from billing.usage.v1.meter_pb2 import METER_AGGREGATION_SUM
from google.protobuf.field_mask_pb2 import FieldMask

from tests.scenarios import catalogue
from tests.scenarios.servers import Servers
from tests.scenarios.world import World, stamp

START = datetime(2025, 1, 31, 9, tzinfo=UTC)
FRESH_S = 1.0  # how old an answer may be


async def shop(servers: Servers) -> World:
    world = await World.start(servers, START)
    seller = await catalogue.seller(world)
    await catalogue.registered(world, seller, "DE", "DE136695976")
    return world


async def check(world: World, customer_id: str, amount: str = "") -> CheckEntitlementResponse:
    stub = EntitlementsServiceStub(world.admin.channels["subscriptions"])
    return await stub.CheckEntitlement(
        CheckEntitlementRequest(customer_id=customer_id, feature_code="api", amount=amount)
    )


async def test_a_limit_is_held_against_what_was_really_used(servers: Servers) -> None:
    world = await shop(servers)
    await catalogue.meter(world, "calls", METER_AGGREGATION_SUM)
    await FeaturesServiceStub(world.admin.channels["subscriptions"]).CreateFeature(
        CreateFeatureRequest(code="api", name="API")
    )
    # The meter is no item of the plan: it is a limit alone.
    grant = MeteredGrant(meter_code="calls", limit="100")
    terms = PlanTerms(entitlements=[Entitlement(feature_code="api", metered=grant)])
    version_id = await catalogue.plan(world, "pro", [catalogue.flat("base", "10.00")], terms=terms)
    customer_id = await catalogue.customer(world, "anna")
    made = await catalogue.subscribe(world, customer_id, version_id)
    await world.settle()  # usage hears of the subscription
    await catalogue.ingest(
        world,
        [
            catalogue.used("1", "calls", "anna", START, "60"),
            catalogue.used("2", "calls", "anna", START, "30"),
            catalogue.used("3", "calls", "bruno", START, "500"),
        ],
    )
    found = await check(world, customer_id, "10")
    assert (found.allowed, found.used, found.remaining) == (True, "90", "10")
    assert found.reset_time == made.current_period.end
    await catalogue.ingest(world, [catalogue.used("4", "calls", "anna", START, "15")])
    await asyncio.sleep(FRESH_S)  # usage is asked again after a second
    found = await check(world, customer_id)
    assert (found.allowed, found.reason, found.used) == (False, ENTITLEMENT_REASON_LIMIT_REACHED, "105")


async def test_a_parent_is_invoiced_and_charged_for_its_child(servers: Servers) -> None:
    world = await shop(servers)
    version_id = await catalogue.plan(world, "pro", [catalogue.flat("base", "10.00")])
    parent_id = await catalogue.customer(world, "parent")
    child_id = await catalogue.customer(world, "child", card="")
    change = CustomerChange(parent_customer_id=parent_id, billed_to_parent=True)
    mask = FieldMask(paths=["parent_customer_id", "billed_to_parent"])
    request = UpdateCustomerRequest(customer_id=child_id, customer=change, update_mask=mask)
    await world.admin.customers.UpdateCustomer(request)
    await catalogue.subscribe(world, child_id, version_id)
    await world.bill()
    [invoice] = await world.invoices(parent_id)
    assert invoice.total_minor == 1190
    assert await world.invoices(child_id) == []
    [payment] = await world.payments(parent_id)
    assert payment.invoice_id == invoice.invoice_id
    assert await world.broken_rules() == {}


async def test_an_imported_subscription_is_billed_from_where_the_other_system_stopped(servers: Servers) -> None:
    world = await shop(servers)
    await catalogue.plan(world, "pro", [catalogue.flat("base", "10.00")])
    customer_id = await catalogue.customer(world, "anna")
    item = ImportItem(
        external_customer_id="anna",
        external_subscription_id="contract",
        plan_code="pro",
        start_time=stamp(datetime(2024, 6, 15, tzinfo=UTC)),
    )
    stub = ImportsServiceStub(world.admin.channels["subscriptions"])
    answer = await stub.ImportSubscriptions(ImportSubscriptionsRequest(items=[item]))
    assert answer.imported == 1, answer
    assert answer.results[0].customer_id == customer_id
    await world.play(datetime(2025, 3, 20, tzinfo=UTC))
    invoices = await world.invoices(customer_id)
    periods = [each.lines[0].service_period.start.ToDatetime().date().isoformat() for each in invoices]
    assert periods == ["2025-02-15", "2025-03-15"]
    assert await world.broken_rules() == {}
