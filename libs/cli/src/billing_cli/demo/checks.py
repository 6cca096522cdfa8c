"""The demo's invariants, each with its figures."""

from collections import Counter
from collections.abc import Mapping, Sequence

from billing_cli.checklist import Check
from billing_cli.demo.cast import CALLS, CUSTOMERS, FEE, MONTHS
from billing_cli.demo.expected import ExpectedInvoice, Tally, invoices_of
from billing_cli.demo.harvest import Billed, is_pdf
from billing_cli.demo.life import Lived
from billing_cli.demo.life_checks import life_checks
from billing_cli.demo.play import Taken
from billing_cli.rest import Json

SUCCEEDED = "ATTEMPT_STATE_SUCCEEDED"
DECLINED = "ATTEMPT_STATE_SOFT_DECLINED"
PAID = "INVOICE_STATE_PAID"
MONTHLY = len(CUSTOMERS) * (MONTHS + 1)
LIFE = 6  # invoices of the subscription whose life is told


def all_checks(billed: Sequence[Billed], counted: Tally, taken: Taken, statistics: Json, lived: Lived) -> list[Check]:
    """Every invariant that REST can show, in the order in which it is read."""
    return [
        *usage_checks(counted, taken, statistics),
        *invoice_checks(billed, counted),
        *payment_checks(billed),
        *life_checks(lived, billed),
    ]


def usage_checks(counted: Tally, taken: Taken, statistics: Json) -> list[Check]:
    """The file, the answers, the store and the ratings count the same events."""
    accepted, stored, rated = (int(statistics.get(name, 0)) for name in ("accepted", "stored", "rated"))
    same = counted.events == taken.accepted == accepted == stored == rated
    repeats = counted.repeats == taken.duplicates == int(statistics.get("duplicates", 0))
    figures = f"{accepted:,} = {stored:,} = {rated:,}; in the file {counted.events:,}, {counted.late:,} of them late"
    reasons = ", ".join(sorted(taken.reasons))
    return [
        Check("usage", "accepted = stored = rated", same, figures),
        Check("usage", "each repeat was recognised", repeats, f"{taken.duplicates:,} of {counted.repeats:,}"),
        Check("usage", "nothing was refused", not taken.rejected, f"{taken.rejected:,} refused {reasons}".rstrip()),
    ]


def invoice_checks(billed: Sequence[Billed], counted: Tally) -> list[Check]:
    wanted, monthly = MONTHLY + LIFE, [each for each in billed if each.member.customer in CUSTOMERS]
    added_up = sum(_adds_up(each) for each in billed)
    paid = sum(each.invoice.get("state") == PAID and each.minor("due_minor") == 0 for each in billed)
    printed = sum(is_pdf(each.pdf) for each in billed)
    right, total = _pinned(monthly, counted)
    return [
        _periods(monthly),
        Check("invoices", "total = lines + tax", added_up == wanted, f"{added_up} of {wanted} invoices"),
        Check("invoices", "every amount is as worked out from the file", right == MONTHLY == len(monthly), total),
        _rules(billed),
        _numbers(billed),
        Check("invoices", "all are paid", paid == wanted, f"{paid} of {wanted}"),
        Check("invoices", "all have a PDF", printed == wanted, f"{printed} of {wanted}"),
    ]


def payment_checks(billed: Sequence[Billed]) -> list[Check]:
    captures = [_attempts(payment, SUCCEEDED) for each in billed for payment in each.payments]
    declined = sum(_attempts(payment, DECLINED) for each in billed for payment in each.payments)
    due = sum(each.member.customer.card != "tok_succeeds" for each in billed)
    payable = sum(each.minor("total_minor") > each.minor("credit_applied_minor") for each in billed)
    once = max(captures, default=0) <= 1 and sum(captures) == payable > 0
    return [
        Check("payments", "one capture per payment", once, f"{sum(captures)} captures, {len(captures)} payments"),
        Check(
            "payments", "declined cards were tried again, then paid", declined == due and once, f"{declined} of {due}"
        ),
    ]


def _adds_up(each: Billed) -> bool:
    lines = each.invoice.get("lines", ())
    net = sum(int(line.get("net_minor", 0)) for line in lines)
    tax = sum(int(line.get("tax_minor", 0)) for line in lines)
    summed = sum(int(tax.get("amount_minor", 0)) for tax in each.invoice.get("tax_summary", ()))
    totals = (each.minor("net_minor"), each.minor("tax_minor"), each.minor("total_minor"))
    return bool(lines) and totals == (net, tax, net + tax) and summed == tax


def _pinned(billed: Sequence[Billed], counted: Tally) -> tuple[int, str]:
    """How many invoices are as expected to the cent, and the sum."""
    right = 0
    for customer in CUSTOMERS:
        own = [each for each in billed if each.member.customer == customer]
        own.sort(key=lambda each: str(each.invoice.get("invoice_time", "")))
        right += sum(
            _as_expected(each, wanted) for each, wanted in zip(own, invoices_of(customer, counted), strict=False)
        )
    expected = sum(each.total_minor for customer in CUSTOMERS for each in invoices_of(customer, counted))
    actual = sum(each.minor("total_minor") for each in billed)
    return right, f"{right} of {len(billed)} invoices; EUR {actual / 100:,.2f}, expected EUR {expected / 100:,.2f}"


def _as_expected(each: Billed, wanted: ExpectedInvoice) -> bool:
    usage = [int(line.get("net_minor", 0)) for line in each.invoice.get("lines", ()) if line.get("code") == CALLS]
    found = (each.minor("net_minor"), each.minor("tax_minor"), each.minor("total_minor"))
    same_usage = usage == ([] if wanted.usage_minor is None else [wanted.usage_minor])
    return same_usage and found == (wanted.net_minor, wanted.tax_minor, wanted.total_minor)


def _periods(billed: Sequence[Billed]) -> Check:
    """Each customer's months 0 to MONTHS - 1 of usage and 0 to MONTHS of the fee, each exactly once."""
    lines = [(each.member.customer.external_id, line) for each in billed for line in each.invoice.get("lines", ())]
    periods = Counter((name, line["code"], line["service_period"]["start"]) for name, line in lines)
    charges = {line["charge_id"] for _, line in lines}
    wanted = len(CUSTOMERS) * (MONTHS + MONTHS + 1)
    kinds: Mapping[str, int] = Counter(code for _, code, _ in periods)
    right = kinds.get(CALLS) == len(CUSTOMERS) * MONTHS and kinds.get(FEE) == len(CUSTOMERS) * (MONTHS + 1)
    once = right and set(periods.values()) == {1} and len(charges) == len(lines) == wanted
    return Check("invoices", "each period is billed once", once, f"{len(periods)} periods, {len(lines)} lines")


def _rules(billed: Sequence[Billed]) -> Check:
    """The tax rule of each line is the one that the law asks for."""
    right = wrong = 0
    for each in billed:
        for line in each.invoice.get("lines", ()):
            rules = {str(tax.get("rule", "")).removeprefix("TAX_RULE_") for tax in line.get("taxes", ())}
            fits = rules == {each.member.customer.rule}
            right, wrong = right + fits, wrong + (not fits)
    return Check("invoices", "the tax rule fits the customer", not wrong, f"{right} of {right + wrong} lines")


def _numbers(billed: Sequence[Billed]) -> Check:
    """Numbers of a series count up from 1 without a gap."""
    series: dict[str, list[int]] = {}
    for each in billed:
        head, _, count = str(each.invoice.get("number", "")).rpartition("-")
        series.setdefault(head, []).append(int(count or 0))
    whole = all(sorted(counts) == list(range(1, len(counts) + 1)) for counts in series.values())
    text = ", ".join(f"{head} {min(counts)}-{max(counts)}" for head, counts in sorted(series.items()))
    return Check("invoices", "numbers have no gap", whole and bool(billed), text)


def _attempts(payment: Json, state: str) -> int:
    return sum(attempt.get("state") == state for attempt in payment.get("attempts", ()))
