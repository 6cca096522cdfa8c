"""Answers of the API as a faultless demo gets them, made from the expected amounts."""

from datetime import UTC
from fractions import Fraction
from uuid import uuid4

from billing_cli.demo import story
from billing_cli.demo.cast import CALLS, CUSTOMERS, FEE, MONTHS
from billing_cli.demo.expected import Tally, cents, invoices_of
from billing_cli.demo.harvest import Billed
from billing_cli.demo.life import Access, Lived, Scene
from billing_cli.demo.life_checks import KINDS, PAST
from billing_cli.demo.life_expected import bills_of
from billing_cli.demo.months import latest
from billing_cli.demo.setup import Member
from billing_pricing import Explanation
from billing_pricing.nodes import Constant


def counted():
    calls = {(customer.external_id, month): Fraction(12_000) for customer in CUSTOMERS for month in range(MONTHS)}
    return Tally(calls, events=950, repeats=50, late=10)


def text(instant):
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def line(customer, code, start, end, net_minor):
    tax = cents(Fraction(net_minor * customer.tax_percent, 10_000))
    return {
        "charge_id": str(uuid4()),
        "code": code,
        "description": "API calls" if code == CALLS else "Cloud API, monthly fee",
        "service_period": {"start": text(start), "end": text(end)},
        "net_minor": str(net_minor),
        "tax_minor": str(tax),
        "taxes": [{"rule": customer.rule, "amount_minor": str(tax)}],
        "event_count": "300" if code == CALLS else "0",
        "explanation_sentence": "2000 units × 0.002 EUR" if code == CALLS else "49 EUR flat",
    }


def invoice(customer, starts, month, wanted):
    lines = [] if wanted.usage_minor is None else [(CALLS, starts[month - 1], starts[month], wanted.usage_minor)]
    lines.append((FEE, starts[month], starts[month + 1], 4900))
    made = [line(customer, *each) for each in lines]
    summary = {"name": "VAT", "country_code": "DE", "rate_percent": str(customer.tax_percent), "rule": customer.rule}
    return {
        "state": "INVOICE_STATE_PAID",
        "invoice_time": text(starts[month]),
        "lines": made,
        "net_minor": str(wanted.net_minor),
        "tax_minor": str(wanted.tax_minor),
        "total_minor": str(wanted.total_minor),
        "due_minor": "0",
        "tax_summary": [{**summary, "amount_minor": str(wanted.tax_minor)}],
    }


def payment(customer, made):
    declined = {
        "state": "ATTEMPT_STATE_SOFT_DECLINED",
        "decline_code": "insufficient_funds",
        "attempt_time": made["invoice_time"],
    }
    paid = {"state": "ATTEMPT_STATE_SUCCEEDED", "attempt_time": made["invoice_time"]}
    attempts = [paid] if customer.card == "tok_succeeds" else [declined, paid]
    return {"amount": {"amount_minor": made["total_minor"]}, "attempts": attempts}


def billed(today, folder):
    """What harvest.billed answers after a faultless demo."""
    calendar, found = latest(today), []
    for customer in CUSTOMERS:
        starts = [calendar.boundary(month, customer.zone) for month in range(MONTHS + 2)]
        for month, wanted in enumerate(invoices_of(customer, counted())):
            made = invoice(customer, starts, month, wanted)
            found.append(numbered(len(found) + 1, Member(customer, "cus_1", "sub_1"), made, folder))
    for made in life_invoices(calendar):
        found.append(numbered(len(found) + 1, MEMBER, made, folder))
    return found


def numbered(number, member, made, folder):
    made["number"] = f"NL-2025-{number:06}"
    pdf = folder / f"{made['number']}.pdf"
    pdf.write_bytes(b"%PDF-1.7")
    owed = int(made["total_minor"]) > int(made.get("credit_applied_minor", 0))
    return Billed(member, made, [payment(member.customer, made)] if owed else [], pdf)


MEMBER = Member(story.CUSTOMER, "cus_2", "sub_2")


def life_invoices(calendar):
    """The six invoices of the chapter of life; each credit names the newest charge of its code before it."""
    charges, found = {}, []
    for bill in bills_of(calendar):
        lines = []
        for each in bill.lines:
            lines.append(life_line(each, charges))
            if each.amount > 0:
                charges[each.code, each.start] = lines[-1]["charge_id"]
        sums = {"name": "VAT", "country_code": "DE", "rate_percent": "19", "rule": "DOMESTIC"}
        found.append(
            {
                "state": "INVOICE_STATE_PAID",
                "invoice_time": text(bill.at),
                "lines": lines,
                "net_minor": str(bill.net),
                "tax_minor": str(bill.tax),
                "total_minor": str(bill.total),
                "due_minor": "0",
                "paid_minor": str(bill.paid),
                "credit_applied_minor": str(bill.applied),
                "credit_granted_minor": str(bill.granted),
                "tax_summary": [{**sums, "amount_minor": str(bill.tax)}],
            }
        )
    return found


def life_line(each, charges):
    made = {
        "charge_id": str(uuid4()),
        "code": each.code,
        "description": f"Studio, {each.code}" + (" (part of the period)" if each.reason else ""),
        "service_period": {"start": text(each.start), "end": text(each.end)},
        "amount_minor": str(each.amount),
        "discount_minor": str(each.discount),
        "net_minor": str(each.net),
        "tax_minor": str(each.tax),
        "taxes": [{"rule": "DOMESTIC", "amount_minor": str(each.tax)}],
        "reason": each.reason,
        "explanation": Explanation(Constant(Fraction(each.amount, 100), "EUR"), "EUR").to_json(),
    }
    if each.amount < 0:
        repaired = max(start for code, start in charges if code == each.code and start < each.start)
        made["credit_of"] = {"charge_id": charges[each.code, repaired]}
    return made


def lived(today, found):
    """What Life.told answers, made of the invoices `found`."""
    days = story.Days(latest(today))
    charges = {}
    for each in found[-6:]:
        for line in each.invoice["lines"]:
            charges.setdefault(line["reason"], []).append(charge(line))
    versions = {story.TEAM: "pv_team", story.BUSINESS: "pv_business"}
    scenes = [
        Scene(
            days.start, "begins", {**answer(charges[""][:2]), "subscription": subscription("ACTIVE", "pv_team", "5")}
        ),
        previewed(days.add_on, "add-on", charges["ITEM_ADDED"], "ITEM_ADDED"),
        previewed(days.upgrade, "upgrade", charges["UPGRADE"], "UPGRADE"),
        previewed(days.more_seats, "seats", charges["QUANTITY_UP"], "QUANTITY_UP"),
        Scene(days.pause, "paused", answer(charges["PAUSE"]), access=[access(story.SSO, "SUBSCRIPTION_NOT_RUNNING")]),
        Scene(days.resume, "resumed", answer(charges["RESUME"]), access=[access(story.SSO, "GRANTED")]),
    ]
    changes = [
        {"version": str(at), "kind": kind, "effective_time": text(days.start), "actor": "user:a", "summary": f"{kind}."}
        for at, kind in enumerate(KINDS, 1)
    ]
    past = [(name, days.start, subscription(state, versions[plan], seats)) for name, state, plan, seats in PAST]
    tried = {"amount": {"currency_code": "EUR", "amount_minor": "23207"}, "text": "232.07 EUR (round half up)"}
    return Lived(MEMBER, days, versions, scenes, changes, past, tried)


def charge(line):
    named = {name: line[name] for name in ("charge_id", "code", "description", "service_period", "explanation")}
    reason = f"CHARGE_REASON_{line['reason'] or 'UNSPECIFIED'}"
    amount = {"currency_code": "EUR", "amount_minor": line["amount_minor"]}
    repairs = {"credit_of": line["credit_of"]} if "credit_of" in line else {}
    return {**named, "reason": reason, "amount": amount, **repairs}


def answer(charges):
    net = sum(int(each["amount"]["amount_minor"]) for each in charges)
    return {"charges": charges, "net": {"currency_code": "EUR", "amount_minor": str(net)}}


def previewed(at, title, charges, kind):
    rule = {
        "kind": f"CHANGE_KIND_{kind}",
        "when": "CHANGE_WHEN_NOW",
        "proration": {"basis": "PRORATION_BASIS_BY_DAYS", "denominator": "PRORATION_DENOMINATOR_ACTUAL_PERIOD"},
        "settlement": "SETTLEMENT_AT_ONCE",
    }
    made = {**answer(charges), "effective_time": text(at), "rules": [rule]}
    return Scene(at, title, made, dict(made))


def subscription(state, version, seats):
    return {
        "state": f"SUBSCRIPTION_STATE_{state}",
        "plan_version_id": version,
        "items": [{"code": story.SEATS, "quantity": seats}],
        "coupons": [{"coupon_code": story.COUPON, "percent": "20", "periods_left": 3}],
    }


def access(feature, reason):
    return Access(feature, reason, {"allowed": reason == "GRANTED", "reason": f"ENTITLEMENT_REASON_{reason}"})
