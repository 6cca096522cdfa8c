"""CheckEntitlement with warm caches over gRPC, everything on, against a bare echo."""

import statistics
import time
from pathlib import Path

from billing.subscriptions.v1 import customers_service_pb2_grpc as customers_grpc
from billing.subscriptions.v1 import entitlements_service_pb2 as entitlements
from billing.subscriptions.v1 import entitlements_service_pb2_grpc as entitlements_grpc
from billing.subscriptions.v1 import features_service_pb2 as features
from billing.subscriptions.v1 import features_service_pb2_grpc as features_grpc
from billing.subscriptions.v1 import plans_service_pb2 as plans
from billing.subscriptions.v1 import plans_service_pb2_grpc as plans_grpc
from billing.subscriptions.v1 import policy_pb2
from billing.subscriptions.v1 import subscriptions_service_pb2 as subscriptions
from billing.subscriptions.v1 import subscriptions_service_pb2_grpc as subscriptions_grpc

from tests.bench.calls import World, interleaved, measured, month, world
from tests.bench.figures import Row, median, row_of
from tests.bench.load import Load, grpc_frame, grpc_headers
from tests.crash.business import base_item, new_customer

FLOOR, AIM = 0.40, 0.60
PATH = "/billing.subscriptions.v1.EntitlementsService/CheckEntitlement"
FEATURE = "support_tier"
FRESH_S = 1.0


def measure(root: Path) -> Row:
    """Each of the answers equals the first one, byte for byte."""
    with world(root) as mesh:
        load = check_load(mesh, _subscribed(mesh))
        pairs = interleaved(lambda: measured(mesh.echo(), mesh.echo_server), lambda: measured(load, mesh.server))
    ratios = [check.result.per_s / echo.result.per_s for echo, check in pairs]
    figures = {
        "ratio by CPU": round(statistics.median(echo.cpu_us / check.cpu_us for echo, check in pairs), 3),
        "check/s": median([check.result.per_s for _, check in pairs]),
        "echo/s": median([echo.result.per_s for echo, _ in pairs]),
        "check µs CPU": median([check.cpu_us for _, check in pairs]),
        "echo µs CPU": median([echo.cpu_us for echo, _ in pairs]),
        "p99 ms": median([check.result.p99_ms for _, check in pairs]),
    }
    return row_of("entitlement", ratios, floor=FLOOR, aim=AIM, figures=figures)


def check_load(mesh: World, customer_id: str) -> Load:
    """The load and what it must answer, which a generated client has read first."""
    request = entitlements.CheckEntitlementRequest(customer_id=customer_id, feature_code=FEATURE)
    stub = entitlements_grpc.EntitlementsServiceStub(mesh.channel)
    until = time.monotonic() + FRESH_S
    while not (answer := stub.CheckEntitlement(request, metadata=mesh.credentials)).allowed:
        assert time.monotonic() < until, "the subscription is not seen after a second"
    assert answer.value == "gold"
    address = mesh.fleet.address("subscriptions")
    body, expected = request.SerializeToString(), answer.SerializeToString(deterministic=True)
    headers = grpc_headers(address, PATH, mesh.token)
    return Load(address, headers, grpc_frame(body).hex(), grpc_frame(expected).hex())


def _subscribed(mesh: World) -> str:
    """A customer with a subscription that grants the feature among nine others; the id of the customer."""
    channel, metadata = mesh.channel, mesh.credentials
    codes = [FEATURE, *(f"feature_{number}" for number in range(9))]
    for code in codes:
        request = features.CreateFeatureRequest(code=code, name=code)
        features_grpc.FeaturesServiceStub(channel).CreateFeature(request, metadata=metadata)
    customer = customers_grpc.CustomersServiceStub(channel).CreateCustomer(new_customer(), metadata=metadata).customer
    wanted = subscriptions.CreateSubscriptionRequest(
        customer_id=customer.customer_id, plan_version_id=_published(mesh, codes)
    )
    subscriptions_grpc.SubscriptionsServiceStub(channel).CreateSubscription(wanted, metadata=metadata)
    return customer.customer_id


def _published(mesh: World, codes: list[str]) -> str:
    """A monthly plan version that grants all the features."""
    metadata, stub = mesh.credentials, plans_grpc.PlansServiceStub(mesh.channel)
    plan = stub.CreatePlan(plans.CreatePlanRequest(code="granting", name="Granting"), metadata=metadata).plan
    grants = [policy_pb2.Entitlement(feature_code=code, value="gold") for code in codes]
    wanted = plans.CreatePlanVersionRequest(
        plan_id=plan.plan_id,
        currency_code="EUR",
        interval=month(),
        items=[base_item()],
        terms=policy_pb2.PlanTerms(entitlements=grants),
    )
    version = stub.CreatePlanVersion(wanted, metadata=metadata).plan_version
    publish = plans.PublishPlanVersionRequest(plan_version_id=version.plan_version_id)
    return stub.PublishPlanVersion(publish, metadata=metadata).plan_version.plan_version_id
