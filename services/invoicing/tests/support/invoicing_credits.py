"""Builders of what takes something off: discounts, credits, commitments; and of subscriptions that expired."""

from datetime import datetime
from fractions import Fraction
from typing import Any
from uuid import UUID

from billing.common.v1 import money_pb2, period_pb2, ratio_pb2, tax_facts_pb2
from billing.subscriptions.v1 import charge_pb2, events_pb2, subscription_pb2
from billing_invoicing.domain.due import CreditOf, LineDiscount, Ratio, TaxBehavior
from billing_invoicing.domain.invoice import Line
from billing_invoicing.wire.charges import charge_from_pb
from billing_kernel.ids import encode, uuid7
from billing_pricing import Explanation
from billing_pricing.nodes import Constant
from invoicing_builders import FEBRUARY, JANUARY, flat_charge, stamp, taxed

WHOLE = ratio_pb2.Ratio(numerator="1", denominator="1")


def money(amount_minor: int, currency: str = "EUR") -> money_pb2.Money:
    return money_pb2.Money(currency_code=currency, amount_minor=amount_minor)


def percent_off(percent: str, code: str = "SAVE", **changes: Any) -> charge_pb2.Discount:
    """A coupon that takes off a percentage."""
    return _discount(code, {"percent": percent} | changes)


def amount_off(amount_minor: int, code: str = "TEN", **changes: Any) -> charge_pb2.Discount:
    """A coupon that takes off a fixed amount."""
    return _discount(code, {"amount": money(amount_minor)} | changes)


def _discount(code: str, changes: dict[str, Any]) -> charge_pb2.Discount:
    ids = {"redemption_id": encode("red", uuid7()), "coupon_id": encode("cpn", uuid7())}
    return charge_pb2.Discount(**(ids | {"coupon_code": code} | changes))


def credit_of(charge: charge_pb2.Charge, amount_minor: int, **changes: Any) -> charge_pb2.Charge:
    """A credit of `amount_minor` (a positive number of minor units) for a charge."""
    exact = Fraction(-amount_minor, 100)
    fields: dict[str, Any] = {
        "credit_of": charge_pb2.CreditOf(charge_id=charge.charge_id, share=WHOLE),
        "code": charge.code,
        "description": f"Unused time of {charge.description}",
        "reason": charge_pb2.CHARGE_REASON_DOWNGRADE,
        "proration": "BY_DAYS, ACTUAL_PERIOD",
        "explanation": Explanation(Constant(exact, "EUR given back"), "EUR").to_json(),
        "unit_amount": "",
    }
    return flat_charge(-amount_minor, **(fields | changes))


def commitment(amount_minor: int, billed_minor: int = 0, **changes: Any) -> charge_pb2.Commitment:
    """The minimum of January."""
    exact = Fraction(amount_minor, 100)
    fields: dict[str, Any] = {
        "charge_id": str(uuid7()),
        "description": "Minimum commitment",
        "service_period": period_pb2.Period(start=stamp(JANUARY), end=stamp(FEBRUARY)),
        "amount": money(amount_minor),
        "exact_amount": money_pb2.ExactAmount(
            currency_code="EUR", numerator=str(exact.numerator), denominator=str(exact.denominator)
        ),
        "billed": money(billed_minor),
        "explanation": Explanation(Constant(exact, "EUR a month"), "EUR").to_json(),
        "tax_category": "digital_service",
        "tax_behavior": tax_facts_pb2.TAX_BEHAVIOR_EXCLUSIVE,
        "supply_time": stamp(FEBRUARY),
    }
    return charge_pb2.Commitment(**(fields | changes))


def expired(
    due: events_pb2.BillingDue, *, waited: bool = True, term_over: bool = False, at: datetime = FEBRUARY
) -> Any:
    """The subscription of a due ended: its first payment never came (it `waited` for it), or else its term is over."""
    subscription = subscription_pb2.Subscription(
        subscription_id=due.subscription_id,
        customer_id=due.customer_id,
        state=subscription_pb2.SUBSCRIPTION_STATE_EXPIRED,
        incomplete_expire_time=stamp(at) if waited else None,
        term_end_time=stamp(at) if term_over else None,
    )
    return events_pb2.SubscriptionExpired(subscription=events_pb2.SubscriptionFacts(subscription=subscription))


def a_line(amount_minor: int, percent: int = 19, discounts: tuple[int, ...] = (), *, inclusive: bool = False) -> Line:
    """A line on an invoice, with one tax and discounts of these amounts."""
    charge = charge_from_pb(flat_charge(amount_minor), "EUR")
    taxable = amount_minor - sum(discounts)
    net = round(Fraction(taxable * 100, 100 + percent)) if inclusive else taxable
    tax = taxed(net, percent)
    tax_minor = taxable - net if inclusive else tax.tax_minor
    taxes = tuple(each._replace(amount_minor=tax_minor) for each in tax.taxes)
    parts = tuple(LineDiscount(uuid7(), f"C{place}", "", minor) for place, minor in enumerate(discounts))
    return Line(
        uuid7(),
        charge.charge_id,
        1,
        charge.description,
        charge.code,
        charge.period_start,
        charge.period_end,
        charge.quantity,
        charge.unit_amount,
        charge.exact,
        amount_minor,
        net,
        tax_minor,
        TaxBehavior.INCLUSIVE if inclusive else TaxBehavior.EXCLUSIVE,
        taxes,
        charge.explanation,
        None,
        0,
        sum(discounts),
        parts,
    )


def of(charge_id: UUID) -> CreditOf:
    return CreditOf(charge_id, Ratio("1", "1"))
