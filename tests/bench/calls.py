"""What the ratios about single calls share: a fleet with servers alone, a customer and a subscription to ask for."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import grpc
import psutil
from billing.common.v1 import period_pb2
from billing.subscriptions.v1 import customers_service_pb2_grpc as customers_grpc
from billing.subscriptions.v1 import plan_pb2
from billing.subscriptions.v1 import plans_service_pb2 as plans
from billing.subscriptions.v1 import plans_service_pb2_grpc as plans_grpc
from billing.subscriptions.v1 import subscriptions_service_pb2 as subscriptions
from billing.subscriptions.v1 import subscriptions_service_pb2_grpc as subscriptions_grpc
from billing_devstack import ports
from billing_devstack.process import Child, Command, spawn, wait_ready
from billing_kernel.ids import uuid7
from billing_testkit.fleet import Fleet
from google.protobuf.wrappers_pb2 import StringValue

from tests.bench import echo
from tests.bench.load import Load, Result, grpc_frame, grpc_headers, run
from tests.crash.business import base_item, new_customer

PAIRS = 5
GET = "/billing.subscriptions.v1.SubscriptionsService/GetSubscription"
CREATE = "/billing.subscriptions.v1.CustomersService/CreateCustomer"


@dataclass(frozen=True)
class Measured:
    """A load and what the server spent on it: microseconds of CPU per call."""

    result: Result
    cpu_us: float


@dataclass(frozen=True)
class World:
    """A running subscriptions service and the echo beside it."""

    fleet: Fleet
    server: Child
    echo_server: Child
    echo_address: str
    tenant: UUID
    token: str
    channel: grpc.Channel

    @property
    def credentials(self) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self.token}"),)

    def echo(self) -> Load:
        body = grpc_frame(StringValue(value="x" * 60).SerializeToString()).hex()
        return Load(self.echo_address, grpc_headers(self.echo_address, echo.PATH), body, body)


@contextmanager
def world(root: Path, services: Sequence[str] = ("subscriptions",)) -> Iterator[World]:
    """Servers in the role `serve` on a durable PostgreSQL: nothing but the calls runs."""
    with Fleet(root, ("postgres",), services) as fleet:
        server = fleet.run("subscriptions")
        address = ports.choose().address
        echo_server = spawn(
            Command("echo", [sys.executable, "-m", "tests.bench.echo", address], fleet.layout.log("echo"))
        )
        fleet.children.append(echo_server)
        wait_ready(echo_server, lambda: ports.listening(int(address.rpartition(":")[2])), 20)
        tenant = uuid7()
        with grpc.insecure_channel(fleet.address("subscriptions")) as channel:
            yield World(fleet, server, echo_server, address, tenant, fleet.token(tenant), channel)


def measured(load: Load, server: Child) -> Measured:
    """Runs the load in its own process and looks at what the server used."""
    before = _cpu_s(server)
    result = run(load)
    return Measured(result, (_cpu_s(server) - before) / result.done * 1e6)


def interleaved(
    first: Callable[[], Measured], second: Callable[[], Measured], pairs: int = PAIRS
) -> list[tuple[Measured, Measured]]:
    """Pairs, each of which begins with the other one than the pair before, after one of each that is not counted."""
    first(), second()
    found = []
    for number in range(pairs):
        if number % 2:
            late, early = second(), first()
            found.append((early, late))
        else:
            found.append((first(), second()))
        time.sleep(0.1)
    return found


def new_subscription(world: World) -> str:
    """A customer, a published plan and a subscription to it; the id of the subscription."""
    channel, metadata = world.channel, world.credentials
    customer = customers_grpc.CustomersServiceStub(channel).CreateCustomer(new_customer(), metadata=metadata).customer
    version = publish_plan(channel, metadata, [base_item()])
    wanted = subscriptions.CreateSubscriptionRequest(customer_id=customer.customer_id, plan_version_id=version)
    stub = subscriptions_grpc.SubscriptionsServiceStub(channel)
    return stub.CreateSubscription(wanted, metadata=metadata).subscription.subscription_id


def publish_plan(
    channel: grpc.Channel, metadata: Sequence[tuple[str, str]], items: Sequence[plan_pb2.PlanItem], code: str = "basic"
) -> str:
    """The id of a published monthly version in EUR."""
    stub = plans_grpc.PlansServiceStub(channel)
    plan = stub.CreatePlan(plans.CreatePlanRequest(code=code, name=code.title()), metadata=metadata).plan
    wanted = plans.CreatePlanVersionRequest(plan_id=plan.plan_id, currency_code="EUR", interval=month(), items=items)
    version = stub.CreatePlanVersion(wanted, metadata=metadata).plan_version
    publish = plans.PublishPlanVersionRequest(plan_version_id=version.plan_version_id)
    return stub.PublishPlanVersion(publish, metadata=metadata).plan_version.plan_version_id


def month() -> period_pb2.Interval:
    return period_pb2.Interval(unit=period_pb2.INTERVAL_UNIT_MONTH, count=1)


def _cpu_s(child: Child) -> float:
    times = psutil.Process(child.pid).cpu_times()
    return times.user + times.system
