"""What the demo must come to, worked out from the event file and the plan's words alone: no code of the mesh."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from billing_cli.demo.cast import MONTHS, Customer
from billing_cli.demo.event_file import Delivery
from billing_cli.demo.months import Calendar

FEE_MINOR = 4900
FREE = Fraction(10_000)
FIRST = Fraction(90_000)
FIRST_PRICE = Fraction(2, 1000)
SECOND_PRICE = Fraction(1, 1000)


@dataclass(frozen=True, slots=True)
class Tally:
    """What the file holds. `calls` by customer and month; `events` counts identities, `repeats` further deliveries."""

    calls: dict[tuple[str, int], Fraction]
    events: int
    repeats: int
    late: int


@dataclass(frozen=True, slots=True)
class ExpectedInvoice:
    """Amounts in cents: `usage` of the month that ended (None on the first invoice), then the fee, then the tax."""

    usage_minor: int | None
    net_minor: int
    tax_minor: int

    @property
    def total_minor(self) -> int:
        return self.net_minor + self.tax_minor


def tally(deliveries: Iterable[Delivery], customers: Sequence[Customer], calendar: Calendar, late_s: float) -> Tally:
    """Counts each identity once; `late` are those first delivered more than `late_s` seconds after their time."""
    starts = {customer.external_id: calendar.boundaries(customer) for customer in customers}
    calls = {(name, month): Fraction(0) for name in starts for month in range(MONTHS)}
    seen: set[tuple[str, str]] = set()
    repeats = late = 0
    for delivery in deliveries:
        if delivery.identity in seen:
            repeats += 1
            continue
        seen.add(delivery.identity)
        late += (delivery.recorded_at - delivery.at).total_seconds() > late_s
        month = sum(start <= delivery.at for start in starts[delivery.customer]) - 1
        calls[delivery.customer, month] += delivery.value
    return Tally(calls, len(seen), repeats, late)


def price_of(calls: Fraction) -> Fraction:
    """First 10,000 free, the next 90,000 at 0.002, the rest at 0.001; in euro."""
    beyond_free = max(calls - FREE, Fraction(0))
    return min(beyond_free, FIRST) * FIRST_PRICE + max(beyond_free - FIRST, Fraction(0)) * SECOND_PRICE


def cents(euro: Fraction) -> int:
    """Rounded half up; amounts here are never negative."""
    return int(euro * 100 + Fraction(1, 2))


def invoices_of(customer: Customer, counted: Tally) -> list[ExpectedInvoice]:
    """The invoices of a customer in order: the sign-up, then one at the end of each month."""
    first = _invoice(customer, None)
    return [first, *(_invoice(customer, counted.calls[customer.external_id, month]) for month in range(MONTHS))]


def _invoice(customer: Customer, calls: Fraction | None) -> ExpectedInvoice:
    usage = None if calls is None else cents(price_of(calls))
    lines = [FEE_MINOR] if usage is None else [usage, FEE_MINOR]
    tax = sum(cents(Fraction(line, 100) * customer.tax_percent / 100) for line in lines)
    return ExpectedInvoice(usage, sum(lines), tax)
