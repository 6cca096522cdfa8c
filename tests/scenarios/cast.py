"""Who lives through the twelve months, what they buy and what they use.

The seller is a German company registered for VAT in Germany and, through the One Stop Shop, in the EU; for GST in
Canada and QST in Quebec; for sales tax in New York. Nowhere else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from billing.common.v1.collection_pb2 import COLLECTION_METHOD_SEND
from billing.common.v1.tax_facts_pb2 import TAX_BEHAVIOR_INCLUSIVE
from billing.tax.v1.exemptions_service_pb2 import CreateExemptionRequest
from billing.tax.v1.registration_pb2 import REGISTRATION_SCHEME_EU_OSS
from billing.usage.v1.meter_pb2 import METER_AGGREGATION_COUNT, METER_AGGREGATION_MAX, METER_AGGREGATION_SUM
from billing.usage.v1.usage_event_pb2 import UsageEvent

from tests.scenarios import catalogue
from tests.scenarios.catalogue import YEAR, flat, metered, seats, used
from tests.scenarios.world import World, stamp

BEGIN = datetime(2024, 1, 31, 1, 30, tzinfo=UTC)

# Instants are UTC. Berlin is one hour ahead in winter and two in summer, New York five and four behind.
BERLIN_0930 = datetime(2024, 1, 31, 8, 30, tzinfo=UTC)
BERLIN_0230 = datetime(2024, 1, 31, 1, 30, tzinfo=UTC)
NEW_YORK_MIDNIGHT = datetime(2024, 1, 31, 5, tzinfo=UTC)
LEAP_DAY_BERLIN = datetime(2024, 2, 28, 23, tzinfo=UTC)
TRIAL_BERLIN = datetime(2024, 2, 14, 23, tzinfo=UTC)
SEPTEMBER_0230 = datetime(2024, 9, 27, 0, 30, tzinfo=UTC)

# who, meter, when, value. The lines around a boundary come in pairs: the last instant of the old period, the first of
# the new one.
USAGE = """
anna  calls 2024-02-10T12:00:00         10000
anna  calls 2024-02-29T08:29:59.999999  1
anna  calls 2024-02-29T08:30:00         4000
anna  calls 2024-03-31T00:59:59.999999  6000     the clocks of Berlin go forward one microsecond later
anna  calls 2024-03-31T01:00:00         2345
anna  calls 2024-03-31T07:29:59.999999  1        09:29:59.999999 in Berlin, summer time
anna  calls 2024-03-31T07:30:00         100000   the April period, its first instant
anna  calls 2024-04-30T07:29:59.999999  250.5
anna  calls 2024-04-30T07:30:00         99999
anna  calls 2024-07-15T00:00:00         60000
anna  calls 2024-10-31T08:29:59.999999  110000   winter time again
anna  calls 2024-10-31T08:30:00         12500
anna  calls 2024-12-31T08:29:59.999999  7777     the year's last period begins after it
anna  calls 2024-12-31T23:30:00         11000
anna  calls 2025-02-27T00:00:00         1000000
otto  calls 2024-02-29T01:29:59.999999  10500    02:29:59.999999 in Berlin
otto  calls 2024-02-29T01:30:00         11500
otto  calls 2024-03-31T01:29:59.999999  1000     02:30 does not exist: the period ends at 03:30 summer time
otto  calls 2024-03-31T01:30:00         20000
otto  calls 2024-04-30T00:29:59.999999  500
otto  calls 2024-04-30T00:30:00         10001
cara  gigabytes 2024-02-29T04:59:59.999999  10.25    23:59:59.999999 in New York
cara  gigabytes 2024-02-29T05:00:00         100
cara  gigabytes 2024-03-31T03:59:59.999999  0.125    midnight in summer time is an hour earlier
cara  gigabytes 2024-03-31T04:00:00         33.333333333333333333
cara  gigabytes 2024-10-31T03:59:59.999999  7
cara  gigabytes 2024-10-31T04:00:00         1
cara  gigabytes 2024-11-30T04:59:59.999999  2
cara  gigabytes 2024-11-30T05:00:00         40
erin  gigabytes 2024-06-15T00:00:00         1000
erin  gigabytes 2024-08-15T00:00:00         1000
fritz washes 2024-02-01T06:00:00 1
fritz washes 2024-02-02T06:00:00 1
fritz washes 2024-02-29T08:30:00 1
fritz washes 2024-08-30T06:00:00 1
fritz washes 2024-08-30T07:00:00 1
fritz washes 2024-08-31T07:29:59.999999 1
greta calls 2024-11-10T00:00:00 15000
greta calls 2024-11-15T10:59:59.999999 1000
hugo  devices 2024-02-28T23:00:00 3
hugo  devices 2024-12-24T12:00:00 17
hugo  devices 2025-02-27T22:59:59.999999 12
hugo  devices 2025-02-27T23:00:00 99
"""


@dataclass
class Cast:
    """Ids by name."""

    seller_id: str
    customers: dict[str, str] = field(default_factory=dict)
    subscriptions: dict[str, str] = field(default_factory=dict)
    plans: dict[str, str] = field(default_factory=dict)


def usage() -> list[UsageEvent]:
    """The events of the table, in order of time."""
    rows = [line.split(maxsplit=4)[:4] for line in USAGE.strip().splitlines()]
    events = [
        used(f"event-{index}", meter, who, datetime.fromisoformat(when).replace(tzinfo=UTC), value)
        for index, (who, meter, when, value) in enumerate(rows)
    ]
    return sorted(events, key=lambda event: event.time.ToNanoseconds())


async def assemble(world: World) -> Cast:
    """Everything that is there on the first day."""
    seller_id = await catalogue.seller(world)
    cast = Cast(seller_id)
    await catalogue.registered(world, seller_id, "DE", "DE136695976")
    await catalogue.registered(world, seller_id, "DE", scheme=REGISTRATION_SCHEME_EU_OSS)
    await catalogue.registered(world, seller_id, "CA", "123026635RT0001")
    await catalogue.registered(world, seller_id, "CA", "1234567890TQ0001", "QC")
    await catalogue.registered(world, seller_id, "US", "12-3456789", "NY")
    for code, aggregation in (
        ("calls", METER_AGGREGATION_SUM),
        ("gigabytes", METER_AGGREGATION_SUM),
        ("washes", METER_AGGREGATION_COUNT),
        ("devices", METER_AGGREGATION_MAX),
    ):
        await catalogue.meter(world, code, aggregation)
    await _plans(world, cast.plans)
    await _customers(world, cast.customers)
    await _exemption(world, cast.customers["erin"])
    return cast


async def _plans(world: World, plans: dict[str, str]) -> None:
    tiers = [("10000", "0"), ("100000", "0.002"), ("", "0.001")]
    pro = [flat("base", "49.00"), flat("support", "10.00", arrears=True), metered("api", "calls", tiers)]
    plans["pro"] = await catalogue.plan(world, "pro", pro)
    plans["team"] = await catalogue.plan(world, "team", [seats("seat", "12.50")])
    metro = [flat("base", "20.00"), metered("traffic", "gigabytes", "0.013")]
    plans["metro"] = await catalogue.plan(world, "metro", metro, currency="USD")
    nord = [flat("base", "29.99"), flat("care", "5.55", arrears=True)]
    plans["nord"] = await catalogue.plan(world, "nord", nord, currency="CAD")
    haus = [
        flat("base", "19.99", tax=TAX_BEHAVIOR_INCLUSIVE),
        metered("wash", "washes", "0.55", tax=TAX_BEHAVIOR_INCLUSIVE),
    ]
    plans["haus"] = await catalogue.plan(world, "haus", haus)
    annual = [flat("base", "365.00"), metered("device", "devices", "1.20")]
    plans["annual"] = await catalogue.plan(world, "annual", annual, interval=YEAR)
    plans["basic"] = await catalogue.plan(world, "basic", [flat("base", "9.90")], trial_days=14)


async def _customers(world: World, customers: dict[str, str]) -> None:
    add = catalogue.customer
    customers["anna"] = await add(world, "anna")
    customers["bruno"] = await add(
        world,
        "bruno",
        "FR",
        zone="Europe/Paris",
        vat="FR40303265045",
        collection=COLLECTION_METHOD_SEND,
        net_terms_days=30,
        card="",
    )
    east = "America/New_York"
    customers["cara"] = await add(
        world, "cara", "US-NJ", zone=east, currency="USD", card="tok_soft_decline_then_succeeds"
    )
    customers["denis"] = await add(world, "denis", "CA-QC", zone="America/Toronto", currency="CAD")
    customers["erin"] = await add(world, "erin", "US-NY", zone=east, currency="USD")
    customers["fritz"] = await add(world, "fritz", card="tok_timeout_after_charge")
    customers["greta"] = await add(world, "greta", vat="DE129273398")
    customers["hugo"] = await add(world, "hugo", "AT", zone="Europe/Vienna")
    customers["ines"] = await add(world, "ines", card="tok_requires_3ds")
    customers["kim"] = await add(world, "kim", card="tok_hard_decline")
    customers["otto"] = await add(world, "otto")
    customers["pia"] = await add(world, "pia")


async def _exemption(world: World, customer_id: str) -> None:
    """Exempt in New York until the end of June 2024."""
    request = CreateExemptionRequest(
        customer_id=customer_id,
        country_code="US",
        region="NY",
        certificate_number="ST-119",
        start_time=stamp(catalogue.EPOCH),
        end_time=stamp(datetime(2024, 7, 1, tzinfo=UTC)),
    )
    await world.admin.exemptions.CreateExemption(request)


# name -> (plan, start, quantities, trial days); None takes the plan's
STARTS: Mapping[str, tuple[str, datetime, Mapping[str, str], int | None]] = {
    "otto": ("pro", BERLIN_0230, {}, None),
    "cara": ("metro", NEW_YORK_MIDNIGHT, {}, None),
    "denis": ("nord", NEW_YORK_MIDNIGHT, {}, None),
    "erin": ("metro", NEW_YORK_MIDNIGHT, {}, None),
    "anna": ("pro", BERLIN_0930, {}, None),
    "bruno": ("team", BERLIN_0930, {"seat": "5"}, None),
    "fritz": ("haus", BERLIN_0930, {}, None),
    "kim": ("basic", BERLIN_0930, {}, 0),
    "ines": ("basic", TRIAL_BERLIN, {}, None),
    "greta": ("pro", LEAP_DAY_BERLIN, {}, None),
    "hugo": ("annual", LEAP_DAY_BERLIN, {}, None),
    "pia": ("basic", SEPTEMBER_0230, {}, 0),
}


async def start(world: World, cast: Cast, name: str) -> None:
    """Signs up one of them, now."""
    plan, start_at, quantities, trial_days = STARTS[name]
    assert start_at == world.now
    made = await catalogue.subscribe(
        world, cast.customers[name], cast.plans[plan], quantities=quantities, trial_days=trial_days
    )
    cast.subscriptions[name] = made.subscription_id
