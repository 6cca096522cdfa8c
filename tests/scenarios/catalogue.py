"""What is sold and to whom: short builders over the real RPCs."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from billing.common.v1.collection_pb2 import COLLECTION_METHOD_CHARGE, CollectionMethod
from billing.common.v1.party_pb2 import Address, Party
from billing.common.v1.period_pb2 import INTERVAL_UNIT_MONTH, Interval, IntervalUnit
from billing.common.v1.price_model_pb2 import FlatModel, GraduatedModel, PerUnitModel, PriceModel, PriceTier
from billing.common.v1.tax_facts_pb2 import (
    TAX_BEHAVIOR_EXCLUSIVE,
    TAX_ID_TYPE_EU_VAT,
    TaxBehavior,
    TaxId,
)
from billing.invoicing.v1.sellers_service_pb2 import CreateSellerRequest
from billing.payments.v1.payment_methods_service_pb2 import CreatePaymentMethodRequest
from billing.subscriptions.v1.customers_service_pb2 import CreateCustomerRequest
from billing.subscriptions.v1.plan_pb2 import (
    CHARGE_TIMING_ADVANCE,
    CHARGE_TIMING_ARREARS,
    PLAN_ITEM_KIND_FLAT,
    PLAN_ITEM_KIND_METERED,
    PLAN_ITEM_KIND_SEAT,
    PlanItem,
)
from billing.subscriptions.v1.plans_service_pb2 import (
    CreatePlanRequest,
    CreatePlanVersionRequest,
    PublishPlanVersionRequest,
)
from billing.subscriptions.v1.policy_pb2 import PlanTerms
from billing.subscriptions.v1.subscription_pb2 import ItemQuantity, Subscription
from billing.subscriptions.v1.subscriptions_service_pb2 import CreateSubscriptionRequest
from billing.tax.v1.registration_pb2 import REGISTRATION_SCHEME_DOMESTIC, RegistrationScheme
from billing.tax.v1.registrations_service_pb2 import CreateRegistrationRequest
from billing.usage.v1.meter_pb2 import MeterAggregation
from billing.usage.v1.meters_service_pb2 import CreateMeterRequest
from billing.usage.v1.usage_event_pb2 import EVENT_OUTCOME_ACCEPTED, UsageEvent
from billing.usage.v1.usage_service_pb2 import IngestEventsRequest

from tests.scenarios.world import World, stamp

EPOCH = datetime(2018, 1, 1, tzinfo=UTC)
MONTH = Interval(unit=INTERVAL_UNIT_MONTH, count=1)
YEAR = Interval(unit=IntervalUnit.INTERVAL_UNIT_YEAR, count=1)


def flat(
    code: str, amount: str, *, arrears: bool = False, tax: TaxBehavior.ValueType = TAX_BEHAVIOR_EXCLUSIVE
) -> PlanItem:
    timing = CHARGE_TIMING_ARREARS if arrears else CHARGE_TIMING_ADVANCE
    price = PriceModel(flat=FlatModel(amount=amount))
    return PlanItem(
        code=code,
        name=code.title(),
        kind=PLAN_ITEM_KIND_FLAT,
        timing=timing,
        price=price,
        tax_category="digital_service",
        tax_behavior=tax,
    )


def seats(code: str, amount: str) -> PlanItem:
    made = flat(code, amount)
    made.kind = PLAN_ITEM_KIND_SEAT
    made.price.CopyFrom(PriceModel(per_unit=PerUnitModel(unit_amount=amount)))
    return made


def metered(
    code: str,
    meter: str,
    price: str | Sequence[tuple[str, str]],
    *,
    tax: TaxBehavior.ValueType = TAX_BEHAVIOR_EXCLUSIVE,
) -> PlanItem:
    """`price` is a unit amount, or graduated tiers of (up to, unit amount), the last one up to ""."""
    made = flat(code, "0", arrears=True, tax=tax)
    made.kind, made.meter_code = PLAN_ITEM_KIND_METERED, meter
    if isinstance(price, str):
        made.price.CopyFrom(PriceModel(per_unit=PerUnitModel(unit_amount=price)))
    else:
        tiers = [PriceTier(up_to=up_to, unit_amount=unit_amount) for up_to, unit_amount in price]
        made.price.CopyFrom(PriceModel(graduated=GraduatedModel(tiers=tiers)))
    return made


async def seller(world: World, prefix: str = "MESH") -> str:
    """A German company; its id."""
    address = Address(line1="Torstraße 1", city="Berlin", postal_code="10119", country_code="DE")
    request = CreateSellerRequest(
        party=Party(name="Mesh GmbH", company="Mesh GmbH", email="billing@mesh.test", address=address),
        tax_ids=[TaxId(type=TAX_ID_TYPE_EU_VAT, value="DE136695976")],
        time_zone="Europe/Berlin",
        number_prefix=prefix,
    )
    return (await world.admin.sellers.CreateSeller(request)).seller.seller_id


async def registered(
    world: World,
    seller_id: str,
    country: str,
    number: str = "",
    region: str = "",
    scheme: RegistrationScheme.ValueType = REGISTRATION_SCHEME_DOMESTIC,
) -> None:
    request = CreateRegistrationRequest(
        seller_id=seller_id,
        country_code=country,
        region=region,
        scheme=scheme,
        tax_number=number,
        start_time=stamp(EPOCH),
    )
    await world.admin.registrations.CreateRegistration(request)


async def meter(world: World, code: str, aggregation: MeterAggregation.ValueType) -> str:
    request = CreateMeterRequest(code=code, name=code.title(), unit=code, aggregation=aggregation)
    return (await world.admin.meters.CreateMeter(request)).meter.meter_id


async def plan(
    world: World,
    code: str,
    items: Sequence[PlanItem],
    *,
    currency: str = "EUR",
    interval: Interval = MONTH,
    trial_days: int = 0,
    terms: PlanTerms | None = None,
) -> str:
    """The id of its published version."""
    plan_id = (await world.admin.plans.CreatePlan(CreatePlanRequest(code=code, name=code.title()))).plan.plan_id
    request = CreatePlanVersionRequest(
        plan_id=plan_id, currency_code=currency, interval=interval, trial_days=trial_days, items=items, terms=terms
    )
    version_id = (await world.admin.plans.CreatePlanVersion(request)).plan_version.plan_version_id
    await world.admin.plans.PublishPlanVersion(PublishPlanVersionRequest(plan_version_id=version_id))
    return version_id


async def customer(
    world: World,
    name: str,
    place: str = "DE",
    *,
    zone: str = "Europe/Berlin",
    currency: str = "EUR",
    vat: str = "",
    collection: CollectionMethod.ValueType = COLLECTION_METHOD_CHARGE,
    net_terms_days: int = 0,
    card: str = "tok_succeeds",
) -> str:
    """The id; `place` is a country, or country-region; an empty `card` attaches none."""
    country, _, region = place.partition("-")
    address = Address(line1="1 Main", city="City", postal_code="10000", region=region, country_code=country)
    request = CreateCustomerRequest(
        external_id=name,
        party=Party(name=name.title(), email=f"{name}@customer.test", address=address),
        tax_ids=[TaxId(type=TAX_ID_TYPE_EU_VAT, value=vat)] if vat else [],
        currency_code=currency,
        time_zone=zone,
        collection_method=collection,
        net_terms_days=net_terms_days,
    )
    customer_id = (await world.admin.customers.CreateCustomer(request)).customer.customer_id
    if card:
        await world.admin.methods.CreatePaymentMethod(CreatePaymentMethodRequest(customer_id=customer_id, token=card))
    return customer_id


async def subscribe(
    world: World,
    customer_id: str,
    version_id: str,
    *,
    start: datetime | None = None,
    quantities: Mapping[str, str] | None = None,
    trial_days: int | None = None,
) -> Subscription:
    request = CreateSubscriptionRequest(
        customer_id=customer_id,
        plan_version_id=version_id,
        start_time=stamp(start) if start else None,
        quantities=[ItemQuantity(code=code, quantity=quantity) for code, quantity in (quantities or {}).items()],
        trial_days=trial_days,
    )
    return (await world.admin.subscriptions.CreateSubscription(request)).subscription


def used(event_id: str, meter_code: str, external_id: str, time: datetime, value: str) -> UsageEvent:
    return UsageEvent(
        id=event_id,
        source="scenario",
        meter_code=meter_code,
        external_customer_id=external_id,
        time=stamp(time),
        value=value,
    )


async def ingest(world: World, events: Sequence[UsageEvent]) -> None:
    """All are accepted."""
    answer = await world.admin.usage.IngestEvents(IngestEventsRequest(events=events))
    assert [each.outcome for each in answer.results] == [EVENT_OUTCOME_ACCEPTED] * len(events), answer.results
