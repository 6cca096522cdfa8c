"""A tenant with one record of every kind, two customers among them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from billing.invoicing.v1.billing_runs_service_pb2 import ListParkedDuesRequest
from billing.subscriptions.v1.add_on_pb2 import AddOnContent
from billing.subscriptions.v1.add_ons_service_pb2 import CreateAddOnRequest
from billing.subscriptions.v1.add_ons_service_pb2_grpc import AddOnsServiceStub
from billing.subscriptions.v1.coupon_pb2 import COUPON_DURATION_FOREVER, CouponTerms
from billing.subscriptions.v1.coupons_service_pb2 import CreateCouponRequest
from billing.subscriptions.v1.features_service_pb2 import CreateFeatureRequest
from billing.subscriptions.v1.features_service_pb2_grpc import FeaturesServiceStub
from billing.subscriptions.v1.migrations_service_pb2 import CreateMigrationRequest
from billing.subscriptions.v1.plans_service_pb2 import GetPlanVersionRequest
from billing.subscriptions.v1.policy_pb2 import CHANGE_WHEN_PERIOD_END, Entitlement, PlanTerms
from billing.subscriptions.v1.products_service_pb2 import CreateProductRequest
from billing.subscriptions.v1.products_service_pb2_grpc import ProductsServiceStub
from billing.subscriptions.v1.subscription_pb2 import ItemQuantity
from billing.subscriptions.v1.subscriptions_service_pb2 import ChangeSubscriptionQuantityRequest, RedeemCouponRequest
from billing.tax.v1.exemptions_service_pb2 import CreateExemptionRequest
from billing.tax.v1.registrations_service_pb2 import ListRegistrationsRequest
from billing.usage.v1.meter_pb2 import METER_AGGREGATION_SUM
from billing_invoicing.domain.account_credit import Account, EntryKind
from billing_invoicing.storage.credits import PostgresCredits
from billing_kernel.ids import decode
from billing_testkit.tenants import service_call

from tests.scenarios import catalogue
from tests.scenarios.servers import Servers
from tests.scenarios.world import World, stamp

START = datetime(2024, 1, 31, 8, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Household:
    """`ids` by the name of the field that holds them; `own` are those of the first customer, `others` of the second."""

    world: World
    ids: Mapping[str, str]
    own: Mapping[str, str]
    others: Mapping[str, str]


async def household(servers: Servers) -> Household:
    """Both customers have an open invoice, because their cards are declined; a third one's due is parked."""
    world = await World.start(servers, START)
    seller_id = await catalogue.seller(world)
    await catalogue.registered(world, seller_id, "DE", "DE136695976")
    meter_id = await catalogue.meter(world, "calls", METER_AGGREGATION_SUM)
    items = [catalogue.seats("seat", "10.00"), catalogue.metered("api", "calls", "0.01")]
    feature_id = await _feature(world)
    grants = PlanTerms(entitlements=[Entitlement(feature_code="sso")])
    version_id = await catalogue.plan(world, "team", items, terms=grants)
    own, others = [await _customer(world, name, version_id) for name in ("anna", "bruno")]
    nobody = catalogue.flat("base", "1.00")
    nobody.tax_category = "unknown_category"
    parked_id = await catalogue.plan(world, "parked", [nobody])
    await catalogue.subscribe(world, await catalogue.customer(world, "carl"), parked_id)
    run = await world.bill()
    [parked] = (await world.admin.runs.ListParkedDues(ListParkedDuesRequest())).dues
    [registration] = (await world.admin.registrations.ListRegistrations(ListRegistrationsRequest())).registrations
    shared = {
        "seller_id": seller_id,
        "meter_id": meter_id,
        "plan_version_id": version_id,
        "plan_id": await _plan_id(world, version_id),
        "feature_id": feature_id,
        "registration_id": registration.registration_id,
        "exemption_id": await _exemption(world, own["customer_id"]),
        "run_id": run.run_id,
        "due_id": parked.due_id,
        "to_plan_version_id": parked_id,
        "migration_id": await _migration(world, version_id, parked_id),
    }
    shared |= await _shelf(world, version_id)
    own, others = [await _planned(world, await _paid(world, ids)) for ids in (own, others)]
    await _credited(world, servers, own, others)
    return Household(world, {**shared, **own, "parent_customer_id": own["customer_id"]}, own, others)


async def _customer(world: World, name: str, version_id: str) -> dict[str, str]:
    customer_id = await catalogue.customer(world, name, card="tok_hard_decline")
    made = await catalogue.subscribe(world, customer_id, version_id)
    return {"customer_id": customer_id, "subscription_id": made.subscription_id}


async def _paid(world: World, ids: dict[str, str]) -> dict[str, str]:
    [invoice] = await world.invoices(ids["customer_id"])
    [payment] = await world.payments(ids["customer_id"])
    method_id = payment.attempts[0].payment_method_id
    return {
        **ids,
        "invoice_id": invoice.invoice_id,
        "payment_id": payment.payment_id,
        "payment_method_id": method_id,
    }


async def _credited(world: World, servers: Servers, *customers: Mapping[str, str]) -> None:
    """Each has something in credit, as if an invoice had come to less than nothing."""
    granted = {_account(ids): UUID(int=place) for place, ids in enumerate(customers)}
    async with servers.database("invoicing").begin(service_call(world.tenant_id)) as tx:
        books = PostgresCredits(tx)
        accounts = await books.lock((), granted)
        for account, invoice_id in granted.items():
            accounts.move(account, EntryKind.GRANTED, 100, invoice_id, START)
        await books.add(accounts.entries)


async def _shelf(world: World, version_id: str) -> dict[str, str]:
    """A product, an add-on and a coupon, and a price of the plan."""
    on, flat = world.admin.channels["subscriptions"], catalogue.flat("support", "5.00")
    product = await ProductsServiceStub(on).CreateProduct(CreateProductRequest(code="suite", name="Suite"))
    content = AddOnContent(
        name="Support",
        kind=flat.kind,
        timing=flat.timing,
        currency_code="EUR",
        price=flat.price,
        tax_category=flat.tax_category,
        tax_behavior=flat.tax_behavior,
    )
    add_on = await AddOnsServiceStub(on).CreateAddOn(CreateAddOnRequest(code="support", content=content))
    terms = CouponTerms(name="Ten off", percent="10", duration=COUPON_DURATION_FOREVER)
    coupon = await world.admin.coupons.CreateCoupon(CreateCouponRequest(code="ten-off", terms=terms))
    version = (await world.admin.plans.GetPlanVersion(GetPlanVersionRequest(plan_version_id=version_id))).plan_version
    return {
        "product_id": product.product.product_id,
        "add_on_id": add_on.add_on.add_on_id,
        "coupon_id": coupon.coupon.coupon_id,
        "price_id": version.items[0].price_id,
    }


async def _feature(world: World) -> str:
    stub = FeaturesServiceStub(world.admin.channels["subscriptions"])
    made = await stub.CreateFeature(CreateFeatureRequest(code="sso", name="Single sign-on"))
    return made.feature.feature_id


async def _planned(world: World, ids: dict[str, str]) -> dict[str, str]:
    """A change that waits for the end of the period, and a coupon."""
    subscription_id = ids["subscription_id"]
    item = ItemQuantity(code="seat", quantity="5")
    waiting = ChangeSubscriptionQuantityRequest(subscription_id=subscription_id, item=item, when=CHANGE_WHEN_PERIOD_END)
    await world.admin.subscriptions.ChangeSubscriptionQuantity(waiting)
    redeem = RedeemCouponRequest(subscription_id=subscription_id, coupon_code="ten-off")
    made = (await world.admin.subscriptions.RedeemCoupon(redeem)).subscription
    [scheduled], [coupon] = made.scheduled_changes, made.coupons
    return {**ids, "scheduled_change_id": scheduled.scheduled_change_id, "redemption_id": coupon.redemption_id}


def _account(ids: Mapping[str, str]) -> Account:
    return Account(decode("cus", ids["customer_id"]), "EUR")


async def _plan_id(world: World, version_id: str) -> str:
    request = GetPlanVersionRequest(plan_version_id=version_id)
    return (await world.admin.plans.GetPlanVersion(request)).plan_version.plan_id


async def _migration(world: World, source_id: str, target_id: str) -> str:
    """A dry run, so that nobody moves; it has a result for each customer."""
    request = CreateMigrationRequest(from_plan_version_ids=[source_id], to_plan_version_id=target_id, dry_run=True)
    made = (await world.admin.migrations.CreateMigration(request)).migration
    await world.settle()
    return made.migration_id


async def _exemption(world: World, customer_id: str) -> str:
    request = CreateExemptionRequest(
        customer_id=customer_id, country_code="FR", certificate_number="1", start_time=stamp(START)
    )
    return (await world.admin.exemptions.CreateExemption(request)).exemption.exemption_id
