"""Sets the chapter of life up by REST: features, two plans, an add-on, a coupon, the customer and its subscription."""

from billing_cli.demo import story
from billing_cli.demo.life import Life
from billing_cli.demo.months import Calendar
from billing_cli.demo.setup import Member, Say, customer_body
from billing_cli.demo.story import Days
from billing_cli.options import rfc3339
from billing_cli.rest import Json, RestClient


async def begin(client: RestClient, calendar: Calendar, say: Say) -> Life:
    """A subscription to Team with its coupon redeemed, before anything is billed. Raises RestError."""
    for code, name in story.FEATURES.items():
        await client.post("/v1/features", {"code": code, "name": name})
    versions = {code: await _plan(client, code, version) for code, version in story.PLANS.items()}
    await client.post("/v1/add_ons", story.ADD_ON)
    await client.post("/v1/coupons", {"code": story.COUPON, "terms": story.COUPON_TERMS})
    say("plans Team and Business, add-on Backup, coupon launch20: 20 % off three periods")
    days = Days(calendar)
    life = await _sign_up(client, versions, days)
    say(f"{story.CUSTOMER.external_id}: {story.CUSTOMER.role}")
    return life


async def _plan(client: RestClient, code: str, version: Json) -> str:
    """Id of the published version."""
    plan = (await client.post("/v1/plans", {"code": code, "name": code.title()}))["plan"]
    made = (await client.post(f"/v1/plans/{plan['plan_id']}/versions", version))["plan_version"]
    await client.post(f"/v1/plan_versions/{made['plan_version_id']}:publish", {})
    return str(made["plan_version_id"])


async def _sign_up(client: RestClient, versions: dict[str, str], days: Days) -> Life:
    made = (await client.post("/v1/customers", customer_body(story.CUSTOMER)))["customer"]
    customer_id = str(made["customer_id"])
    await client.post("/v1/payment_methods", {"customer_id": customer_id, "token": story.CUSTOMER.card})
    order = {
        "customer_id": customer_id,
        "plan_version_id": versions[story.TEAM],
        "external_id": f"{story.CUSTOMER.external_id}-studio",
        "start_time": rfc3339(days.start),
        "quantities": [{"code": story.SEATS, "quantity": story.SEATS_FIRST}],
        "coupon_codes": [story.COUPON],
    }
    preview = await client.post("/v1/subscriptions:preview", {"subscription": order})
    started = (await client.post("/v1/subscriptions", order))["subscription"]
    life = Life(client, days, Member(story.CUSTOMER, customer_id, str(started["subscription_id"])), versions)
    life.signed_up(preview, started)
    return life
