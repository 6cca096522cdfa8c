"""Runs: one at the end of the year is as good as twelve; the test clock plays by itself; tenants never mix."""

from datetime import UTC, datetime

from billing.invoicing.v1 import test_clocks_service_pb2
from billing.invoicing.v1.billing_runs_service_pb2 import RunBillingRequest
from billing.invoicing.v1.test_clocks_service_pb2 import (
    AdvanceClockRequest,
    CreateTestClockRequest,
    GetTestClockRequest,
)
from billing.usage.v1.meter_pb2 import METER_AGGREGATION_SUM
from billing_kernel.ids import uuid7

from tests.scenarios import catalogue
from tests.scenarios.book import book, ledger
from tests.scenarios.servers import Servers
from tests.scenarios.shop import START, Shop
from tests.scenarios.world import World, caller, stamp

LOOKS_MAX = 200
LATER = datetime(2024, 5, 1, tzinfo=UTC)
MONTHS = [
    ("2024-01-31T08:30Z", "2024-02-29T08:30Z"),
    ("2024-02-29T08:30Z", "2024-03-31T07:30Z"),
    ("2024-03-31T07:30Z", "2024-04-30T07:30Z"),
    ("2024-04-30T07:30Z", "2024-05-31T07:30Z"),
]


def four_months(net: str, tax: str, gross: str, state: str = "PAID") -> str:
    return "".join(
        f"{start}  {state}  EUR  {net} + {tax} = {gross}, to pay by {start}\n"
        f"    base    {start}/{end}  {'1':>22}  {net:>8}  {tax:>7}  VAT 19 {tax} DOMESTIC\n"
        for start, end in MONTHS
    )


async def test_one_run_catches_up_four_months_in_order(servers: Servers) -> None:
    shop = await Shop.open(servers)
    await shop.sign_up("anna")
    await shop.sign_up("bruno")
    await shop.world.move_to(LATER)
    run = await shop.world.bill()
    assert (run.published, run.invoices) == (8, 8)
    for name in ("anna", "bruno"):
        assert book(await shop.world.invoices(shop.customers[name])) == four_months("10.00", "1.90", "11.90")
    invoices = await shop.world.invoices()
    assert [invoice.number for invoice in invoices] == [f"MESH-2024-{number:06}" for number in range(1, 9)]
    assert await shop.world.broken_rules() == {}


async def test_a_start_in_the_past_is_billed_for_what_lies_behind(servers: Servers) -> None:
    shop = await Shop.open(servers, start=LATER)
    await shop.sign_up("anna", start=START)
    await shop.world.bill()
    assert book(await shop.world.invoices()) == four_months("10.00", "1.90", "11.90")


async def test_the_test_clock_plays_the_months_by_itself(servers: Servers) -> None:
    """Renewals, payments and retries at the instants at which they fall due."""
    tenant_id = uuid7()
    admin = caller(servers, tenant_id)
    await admin.test_clocks.CreateTestClock(CreateTestClockRequest(now=stamp(START)))
    world = World(servers, tenant_id, admin, admin, START)
    seller_id = await catalogue.seller(world)
    await catalogue.registered(world, seller_id, "DE", "DE136695976")
    shop = Shop(world, await catalogue.plan(world, "basic", [catalogue.flat("base", "10.00")]))
    await shop.sign_up("anna", "tok_soft_decline_then_succeeds")

    await admin.test_clocks.AdvanceClock(AdvanceClockRequest(to=stamp(LATER)))
    clock = await _arrived(world)

    assert (clock.now, clock.settled) == (stamp(LATER), True)
    paid, last = four_months("10.00", "1.90", "11.90"), "2024-04-30T07:30Z  "
    assert book(await world.invoices()) == paid.replace(f"{last}PAID", f"{last}OPEN")
    declined = "    {}  SOFT_DECLINED  insufficient_funds\n"
    assert ledger(await world.payments()) == (
        f"EUR 11.90  SUCCEEDED\n{declined.format('2024-01-31T08:30Z')}    2024-02-03T08:30Z  SUCCEEDED\n"
        f"EUR 11.90  SUCCEEDED\n{declined.format('2024-02-29T08:30Z')}    2024-03-03T08:30Z  SUCCEEDED\n"
        f"EUR 11.90  SUCCEEDED\n{declined.format('2024-03-31T07:30Z')}    2024-04-03T07:30Z  SUCCEEDED\n"
        f"EUR 11.90  SCHEDULED\n{declined.format('2024-04-30T07:30Z')}"
    )
    assert await shop.world.broken_rules() == {}


async def test_two_tenants_in_the_same_batches_never_mix(servers: Servers) -> None:
    """Same names, codes, event ids and instants, other prices; everything waits until both have asked."""
    shops = [await Shop.open(servers, amount) for amount in ("10.00", "99.99")]
    for shop in shops:
        await shop.sign_up("anna")
        await catalogue.meter(shop.world, "calls", METER_AGGREGATION_SUM)
        metered = await catalogue.plan(shop.world, "metered", [catalogue.metered("api", "calls", "1.00")])
        await catalogue.subscribe(shop.world, shop.customers["anna"], metered)
        await servers.settle()
    for index, shop in enumerate(shops):
        used = catalogue.used("event-1", "calls", "anna", START, str(index + 2))
        await catalogue.ingest(shop.world, [used])
    for shop in shops:
        await shop.world.move_to(LATER)
        await shop.world.admin.runs.RunBilling(RunBillingRequest(as_of=stamp(LATER)))
    await servers.settle()

    for shop, (net, tax, gross), usage in zip(
        shops, [("10.00", "1.90", "11.90"), ("99.99", "19.00", "118.99")], [(200, 38), (300, 57)], strict=True
    ):
        invoices = await shop.world.invoices()
        fixed = [invoice for invoice in invoices if invoice.lines[0].code == "base"]
        assert book(fixed) == four_months(net, tax, gross)
        rated = [line for invoice in invoices for line in invoice.lines if line.code == "api"]
        assert [(line.net_minor, line.tax_minor) for line in rated] == [usage, (0, 0), (0, 0)]
        assert {invoice.customer_id for invoice in invoices} == {shop.customers["anna"]}
        numbers = sorted(invoice.number for invoice in invoices)
        assert numbers == [f"MESH-2024-{number:06}" for number in range(1, 8)]
        assert {event.tenant_id for event in shop.world.events()} == {shop.world.tenant_id}
    assert await shop.world.broken_rules() == {}


async def _arrived(world: World) -> test_clocks_service_pb2.TestClock:
    """The clock looks more than once before it believes that nothing moves: it is given the looks it wants."""
    for _ in range(LOOKS_MAX):
        await world.settle()
        clock = (await world.admin.test_clocks.GetTestClock(GetTestClockRequest())).clock
        if not clock.HasField("target"):
            return clock
    raise AssertionError("the clock never arrives")
