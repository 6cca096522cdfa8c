"""What the explanation of a line refers to: item, price, plan version and period, and the policy of a change."""

from dataclasses import replace
from datetime import datetime
from functools import lru_cache, partial
from uuid import UUID

from billing_kernel.ids import encode
from billing_kernel.period import Period
from billing_pricing import referring

from billing_subscriptions.domain.charges import Cause, ChargeReason, Priced
from billing_subscriptions.domain.plan_item import PlanItem

# Few of each and asked for with every line.
_price = lru_cache(maxsize=4096)(partial(encode, "price"))
_version = lru_cache(maxsize=4096)(partial(encode, "pv"))


def referred(priced: Priced, item: PlanItem, version_id: UUID, served: Period, why: Cause, proration: str) -> Priced:
    """The amount whose explanation says where it comes from. Ids are as the API shows them; what is empty is left out.

    The tree of the explanation is shared by all lines of one price, quantity and part: only the references are written.
    """
    facts = {
        "item": item.code,
        "price": _price(item.price_id),
        **period_facts(version_id, served, proration),
        **change_facts(why),
    }
    return replace(priced, explanation=referring(priced.explanation, facts))


def period_facts(version_id: UUID, served: Period, proration: str) -> dict[str, str]:
    """The plan version, the period and, for parts of one, the rule of proration."""
    found = {
        "plan_version": _version(version_id),
        "period_start": instant_text(served.start),
        "period_end": instant_text(served.end),
    }
    return {**found, "proration": proration} if proration else found


def change_facts(why: Cause) -> dict[str, str]:
    """What made the line, when it took effect and how it is settled; nothing of regular lines."""
    if why.reason is ChargeReason.REGULAR:
        return {}
    found = {"change": why.reason.value, "when": why.when, "settlement": why.settlement}
    return {name: str(fact) for name, fact in found.items() if fact is not None}


@lru_cache(maxsize=4096)
def instant_text(instant: datetime) -> str:
    """As the API shows it: "2026-01-31T00:00:00Z"."""
    return instant.isoformat().replace("+00:00", "Z")
