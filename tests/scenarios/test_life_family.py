"""A parent pays for two children: their invoices are the parent's, and so is what their credits leave."""

from fractions import Fraction

import pytest
from billing.subscriptions.v1.customers_service_pb2 import CustomerChange, UpdateCustomerRequest
from billing.subscriptions.v1.subscriptions_service_pb2 import CANCEL_AT_NOW
from google.protobuf.field_mask_pb2 import FieldMask

from tests.scenarios.catalogue import flat, seats
from tests.scenarios.life_checks import check_book, check_end
from tests.scenarios.life_oracle import BY_SECONDS, Account, Fee, at, share
from tests.scenarios.life_play import Life, seats_of
from tests.scenarios.servers import Servers

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

NORTH = [at("2025-01-07"), at("2025-02-07"), at("2025-03-07")]
SOUTH = [at("2025-01-20"), at("2025-02-20"), at("2025-03-20"), at("2025-04-20"), at("2025-05-20")]
MORE, OVER, ALONE, FEWER = at("2025-02-10"), at("2025-02-13 18:00"), at("2025-03-25"), at("2025-03-27 06:00")


def predicted() -> tuple[Account, Account]:
    """Of the parent, and of the child that pays for itself from the end of March on."""
    parent, south = Account(), Account()
    two = Fee("seat", NORTH[0], NORTH[1], Fraction("20.02"), "2")
    parent.bill(NORTH[0], Fee("base", NORTH[0], NORTH[1], Fraction("99.99")), two)
    one = Fee("seat", SOUTH[0], SOUTH[1], Fraction("10.01"), "1")
    parent.bill(SOUTH[0], Fee("base", SOUTH[0], SOUTH[1], Fraction("99.99")), one)
    base, two = (
        Fee("base", NORTH[1], NORTH[2], Fraction("99.99")),
        Fee("seat", NORTH[1], NORTH[2], Fraction("20.02"), "2"),
    )
    parent.bill(NORTH[1], base, two)
    left = share(OVER, NORTH[2], NORTH[1], NORTH[2])
    parent.bill(
        OVER,
        base.back(OVER, Fraction("99.99") * left, "CANCELATION"),
        two.back(OVER, Fraction("20.02") * left, "CANCELATION"),
    )
    left = share(MORE, SOUTH[1], SOUTH[0], SOUTH[1])
    six = Fee("seat", MORE, SOUTH[1], Fraction("60.06") * left, "6", "QUANTITY_UP", BY_SECONDS)
    ahead = [
        Fee("base", SOUTH[1], SOUTH[2], Fraction("99.99")),
        Fee("seat", SOUTH[1], SOUTH[2], Fraction("60.06"), "6"),
    ]
    parent.bill(SOUTH[1], one.back(MORE, Fraction("10.01") * left, "QUANTITY_UP"), six, *ahead)
    six = Fee("seat", SOUTH[2], SOUTH[3], Fraction("60.06"), "6")
    parent.bill(SOUTH[2], Fee("base", SOUTH[2], SOUTH[3], Fraction("99.99")), six)

    left = share(FEWER, SOUTH[3], SOUTH[2], SOUTH[3])
    seven = Fee("seat", FEWER, SOUTH[3], Fraction("70.07") * left, "7", "QUANTITY_UP", BY_SECONDS)
    ahead = [
        Fee("base", SOUTH[3], SOUTH[4], Fraction("99.99")),
        Fee("seat", SOUTH[3], SOUTH[4], Fraction("70.07"), "7"),
    ]
    south.bill(SOUTH[3], six.back(FEWER, Fraction("60.06") * left, "QUANTITY_UP"), seven, *ahead)
    return parent, south


async def test_a_parent_pays_until_a_child_pays_for_itself(servers: Servers) -> None:
    async with Life.open(servers, at("2025-01-01")) as life:
        version_id = await life.version("team", [flat("base", "99.99"), seats("seat", "10.01")])
        await life.customer("holding")
        await life.customer("north", payer="holding", card="")
        await life.customer("south", payer="holding")
        await life.until(NORTH[0])
        await life.start("north", "north", version_id, {"seat": "2"})
        await life.until(SOUTH[0])
        await life.start("south", "south", version_id)
        await life.until(MORE)
        await life.change("south", seats_of("6"))
        await life.until(OVER)
        await life.cancel("north", cancel_at=CANCEL_AT_NOW, credit=True)
        await life.until(ALONE)
        asked = UpdateCustomerRequest(
            customer_id=life.customers["south"],
            customer=CustomerChange(billed_to_parent=False),
            update_mask=FieldMask(paths=["billed_to_parent"]),
        )
        await life.world.admin.customers.UpdateCustomer(asked)
        await life.until(FEWER)
        await life.change("south", seats_of("7"))
        await life.until(at("2025-05-01"))
        parent, south = predicted()
        await check_book(life, "holding", "family_holding", parent)
        await check_book(life, "south", "family_south", south)
        assert await life.invoices("north") == []
        await check_end(life)
