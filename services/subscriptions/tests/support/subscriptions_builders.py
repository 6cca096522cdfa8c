"""Builders of domain values with quiet defaults."""

from collections.abc import Sequence
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any
from uuid import UUID

from billing_kernel.ids import uuid7
from billing_kernel.period import Interval
from billing_subscriptions.domain import customer as customers
from billing_subscriptions.domain import plan as plans
from billing_subscriptions.domain import subscription as subscriptions
from billing_subscriptions.domain.charges import PriceBook
from billing_subscriptions.domain.customer import Address, Customer, Party, Terms
from billing_subscriptions.domain.plan import ItemKind, NewItem, NewVersion, Plan, PlanVersion, Timing
from billing_subscriptions.domain.renewal import Renewal, renew
from billing_subscriptions.domain.subscription import Order, Subscription

ADA = Party(
    "Ada Lovelace", Address("DE", line1="Hauptstr. 1", city="Berlin", postal_code="10115"), email="ada@a.example"
)


def utc(text: str) -> datetime:
    """utc("2026-01-31") or utc("2026-01-31T23:00")"""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def flat(amount: str = "49", timing: Timing = Timing.ADVANCE, code: str = "base") -> NewItem:
    return NewItem(code, "Base fee", ItemKind.FLAT, timing, {"model": "flat", "amount": amount})


def seat(amount: str = "10", timing: Timing = Timing.ADVANCE, code: str = "seats") -> NewItem:
    return NewItem(code, "Seats", ItemKind.SEAT, timing, {"model": "per_unit", "unit_amount": amount})


def metered(code: str = "calls", meter_code: str = "api_calls") -> NewItem:
    tiers = [
        {"up_to": "10000", "unit_amount": "0", "flat_amount": "0"},
        {"up_to": "100000", "unit_amount": "0.002", "flat_amount": "0"},
        {"up_to": None, "unit_amount": "0.001", "flat_amount": "0"},
    ]
    price = {"model": "graduated", "tiers": tiers}
    return NewItem(code, "API calls", ItemKind.METERED, Timing.ARREARS, price, meter_code=meter_code)


def many_tiers(code: str) -> NewItem:
    """A seat item with 99 tiers."""
    tiers: list[dict[str, str | None]] = [{"up_to": str(n), "unit_amount": "1"} for n in range(1, 99)]
    price = {"model": "graduated", "tiers": [*tiers, {"up_to": None, "unit_amount": "1"}]}
    return NewItem(code, "Seats", ItemKind.SEAT, Timing.ADVANCE, price)


def plan(code: str = "pro", at: str = "2026-01-01") -> Plan:
    return plans.create(code, "Pro", {}, plan_id=uuid7(), now=utc(at))


def version(
    items: Sequence[NewItem] = (),
    interval: Interval | None = None,
    *,
    currency: str = "EUR",
    trial_days: int = 0,
    of: Plan | None = None,
    at: str = "2026-01-01",
) -> PlanVersion:
    """A published version; a flat fee in advance unless items are given."""
    owner = of or plan()
    wanted = NewVersion(currency, interval or Interval("month"), list(items) or [flat()], trial_days)
    draft = plans.draft(owner, wanted, number=1, new_id=uuid7, now=utc(at))
    return plans.publish(owner, draft, known_meters=draft.meter_codes, now=utc(at))[1]


def customer(*, at: str = "2026-01-01", party: Party = ADA, seller_id: UUID | None = None, **terms: Any) -> Customer:
    return customers.create(
        Terms(**terms), party, customer_id=uuid7(), party_id=uuid7(), seller_id=seller_id, now=utc(at)
    )


def subscription(
    of: PlanVersion, buyer: Customer | None = None, *, start: str = "2026-01-01", now: str = "", **order: Any
) -> Subscription:
    wanted = Order(start_at=utc(start), **order)
    return subscriptions.start(wanted, buyer or customer(), of, new_id=uuid7, now=utc(now or start))


def renewed(before: Subscription, of: PlanVersion, times: int = 1) -> list[Renewal]:
    """The next `times` boundaries, or fewer when nothing is due any more; each is claimed at its own instant."""
    found: list[Renewal] = []
    while len(found) < times and before.next_due_at is not None:
        found.append(renew(before, of, PriceBook(), now=before.next_due_at))
        before = found[-1].after
    return found


def billed(renewal: Renewal) -> dict[str, str | None]:
    """Item code -> rounded amount ("49.00 EUR"), None for metered; "base/arrears" apart from "base"."""
    return {
        charge.item.code: None if charge.priced is None else str(charge.priced.rounded) for charge in renewal.charges
    }


def quantities(**by_code: str) -> dict[str, Fraction]:
    return {code: Fraction(text) for code, text in by_code.items()}
