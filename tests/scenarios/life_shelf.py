"""What the lives are sold beside plans: coupons, add-ons, rules."""

from billing.common.v1.money_pb2 import Money
from billing.subscriptions.v1.add_on_pb2 import AddOnContent
from billing.subscriptions.v1.add_ons_service_pb2 import CreateAddOnRequest
from billing.subscriptions.v1.add_ons_service_pb2_grpc import AddOnsServiceStub
from billing.subscriptions.v1.coupon_pb2 import (
    COUPON_DURATION_ONCE,
    COUPON_DURATION_PERIODS,
    CouponTerms,
)
from billing.subscriptions.v1.coupons_service_pb2 import CreateCouponRequest

from tests.scenarios import catalogue
from tests.scenarios.world import World


async def percent_off(world: World, code: str, percent: str, periods: int) -> None:
    terms = CouponTerms(name=code.title(), percent=percent, duration=COUPON_DURATION_PERIODS, duration_periods=periods)
    await world.admin.coupons.CreateCoupon(CreateCouponRequest(code=code, terms=terms))


async def amount_off_once(world: World, code: str, minor: int, currency: str = "EUR") -> None:
    amounts = [Money(currency_code=currency, amount_minor=minor)]
    terms = CouponTerms(name=code.title(), amounts=amounts, duration=COUPON_DURATION_ONCE)
    await world.admin.coupons.CreateCoupon(CreateCouponRequest(code=code, terms=terms))


async def add_on(world: World, code: str, amount: str, currency: str = "EUR") -> None:
    """A recurring fee in advance."""
    item = catalogue.flat(code, amount)
    content = AddOnContent(
        name=item.name,
        kind=item.kind,
        timing=item.timing,
        currency_code=currency,
        price=item.price,
        tax_category=item.tax_category,
        tax_behavior=item.tax_behavior,
    )
    stub = AddOnsServiceStub(world.admin.channels["subscriptions"])
    await stub.CreateAddOn(CreateAddOnRequest(code=code, content=content))
