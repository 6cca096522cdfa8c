"""The shortest way through all five services."""

from datetime import UTC, datetime

from billing.invoicing.v1.invoice_pb2 import INVOICE_STATE_PAID

from tests.scenarios import catalogue
from tests.scenarios.servers import Servers
from tests.scenarios.world import World

START = datetime(2024, 1, 31, 8, 30, tzinfo=UTC)


async def test_a_subscription_becomes_a_paid_invoice(servers: Servers) -> None:
    world = await World.start(servers, START)
    seller_id = await catalogue.seller(world)
    await catalogue.registered(world, seller_id, "DE", "DE136695976")
    version_id = await catalogue.plan(world, "basic", [catalogue.flat("base", "49.00")])
    customer_id = await catalogue.customer(world, "anna")
    await catalogue.subscribe(world, customer_id, version_id)

    run = await world.bill()

    [invoice] = await world.invoices()
    assert (run.published, run.settled, run.invoices) == (1, 1, 1)
    assert (invoice.number, invoice.state) == ("MESH-2024-000001", INVOICE_STATE_PAID)
    assert (invoice.net_minor, invoice.tax_minor, invoice.total_minor) == (4900, 931, 5831)
