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
from billing_subscriptions.domain import start as starts
from billing_subscriptions.domain.boundary import boundary
from billing_subscriptions.domain.charges import Charge, PriceBook
from billing_subscriptions.domain.customer import Address, Customer, Party, Terms
from billing_subscriptions.domain.newer import by_plan
from billing_subscriptions.domain.plan import ItemKind, NewItem, NewVersion, Plan, PlanVersion, Timing
from billing_subscriptions.domain.policy import PlanTerms
from billing_subscriptions.domain.start import Order
from billing_subscriptions.domain.step import AddOnOffer, Offers, Step
from billing_subscriptions.domain.subscription import Subscription

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
    terms: PlanTerms | None = None,
    number: int = 1,
) -> PlanVersion:
    """A published version; a flat fee in advance unless items are given."""
    owner = of or plan()
    rules = terms or PlanTerms()
    wanted = NewVersion(currency, interval or Interval("month"), list(items) or [flat()], trial_days, rules)
    draft = plans.draft(owner, wanted, number=number, new_id=uuid7, now=utc(at))
    return plans.publish(owner, draft, known_meters=draft.meter_codes, now=utc(at))[1]


def customer(*, at: str = "2026-01-01", party: Party = ADA, seller_id: UUID | None = None, **terms: Any) -> Customer:
    return customers.create(
        Terms(**terms), party, customer_id=uuid7(), party_id=uuid7(), seller_id=seller_id, now=utc(at)
    )


def offers(*versions: PlanVersion, newer: Sequence[PlanVersion] = (), **add_ons: AddOnOffer) -> Offers:
    """The catalogue as a step sees it; add-ons by their code."""
    seen = {each.id: each for each in (*versions, *newer)}
    return Offers(seen, by_plan(newer), add_ons, {each.plan_id: "pro" for each in versions})


def started(
    of: PlanVersion,
    buyer: Customer | None = None,
    *,
    start: str = "2026-01-01",
    now: str = "",
    known: Offers | None = None,
    has_payment_method: bool = True,
    **order: Any,
) -> Step:
    """The step that creates a subscription, `now` at its start unless said otherwise."""
    wanted = Order(start_at=utc(start), **order)
    return starts.start(
        wanted,
        buyer or customer(),
        of,
        known or offers(of),
        PriceBook(),
        subscription_id=uuid7(),
        now=utc(now or start),
        has_payment_method=has_payment_method,
    )


def subscription(
    of: PlanVersion, buyer: Customer | None = None, *, start: str = "2026-01-01", now: str = "", **order: Any
) -> Subscription:
    return started(of, buyer, start=start, now=now, **order).after


def renewed(before: Subscription, of: PlanVersion | Offers, times: int = 1) -> list[Step]:
    """The next `times` boundaries, or fewer when nothing is due any more; each is claimed at its own instant."""
    known, found = of if isinstance(of, Offers) else offers(of), list[Step]()
    while len(found) < times and before.next_due_at is not None:
        found.append(boundary(before, known, PriceBook(), now=before.next_due_at))
        before = found[-1].after
    return found


def billed(step: Step) -> dict[str, str | None]:
    """Item code -> rounded amount of what a due settles ("49.00 EUR"), None for metered."""
    return amounts(step.charges)


def amounts(charges: Sequence[Charge]) -> dict[str, str | None]:
    """Item code -> rounded amount ("49.00 EUR"), None for metered; credits as "base/credit"."""
    return {
        f"{charge.item.code}/credit" if charge.credit_of else charge.item.code: (
            None if charge.priced is None else str(charge.priced.rounded)
        )
        for charge in charges
    }


def quantities(**by_code: str) -> dict[str, Fraction]:
    return {code: Fraction(text) for code, text in by_code.items()}
