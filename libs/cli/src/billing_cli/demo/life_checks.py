"""What must hold after the chapter of life, each with its figures."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction

from billing_pricing import InvalidExplanation, explanation_from_json

from billing_cli.checklist import Check
from billing_cli.demo import story
from billing_cli.demo.expected import cents, price_of
from billing_cli.demo.harvest import Billed
from billing_cli.demo.life import Lived
from billing_cli.demo.life_expected import Bill, Line, bills_of
from billing_cli.demo.report import euro
from billing_cli.rest import Json

KINDS = ["CREATED", "STARTED", "ITEM_ADDED", "UPGRADE", "RENEWED", "QUANTITY_CHANGED", "PAUSED", "RENEWED", "RESUMED"]
KINDS += ["RENEWED"]
PAST = (
    ("before the upgrade", "ACTIVE", story.TEAM, story.SEATS_FIRST),
    ("after the upgrade", "ACTIVE", story.BUSINESS, story.SEATS_FIRST),
    ("with more seats", "ACTIVE", story.BUSINESS, story.SEATS_MORE),
    ("while paused", "PAUSED", story.BUSINESS, story.SEATS_MORE),
    ("resumed", "ACTIVE", story.BUSINESS, story.SEATS_MORE),
)


def life_checks(lived: Lived, billed: Sequence[Billed]) -> list[Check]:
    """`billed` are all invoices; those of the story's customer are picked out."""
    own = [each for each in billed if each.member.customer == story.CUSTOMER]
    own.sort(key=lambda each: str(each.invoice.get("invoice_time", "")))
    wanted = bills_of(lived.days.calendar)
    lines = [line for each in own for line in each.invoice.get("lines", ())]
    return [
        _previews(lived),
        _invoiced(lived, lines),
        _amounts(own, wanted),
        _credits(lines),
        _balance(own, wanted),
        _explained(lines),
        _timeline(lived.changes),
        _past(lived),
        _access(lived),
        _tried(lived.tried),
    ]


def _previews(lived: Lived) -> Check:
    previewed = [scene for scene in lived.scenes if scene.preview is not None]
    same = [scene for scene in previewed if scene.as_previewed]
    holds = len(same) == len(previewed) == story.PREVIEWED
    return Check("life", "preview = call", holds, f"{len(same)} of {len(previewed)} changes, byte for byte")


def _invoiced(lived: Lived, lines: Sequence[Json]) -> Check:
    """Every charge and credit that a preview or a call answered is on exactly one line, and no line is twice."""
    told = Counter(_told(each) for scene in lived.scenes for each in scene.answer.get("charges", ()))
    billed = Counter(_line(line)[:5] for line in lines)
    there = sum(count == billed[each] for each, count in told.items())
    holds = there == len(told) > 0 and len({line["charge_id"] for line in lines}) == len(lines)
    return Check("life", "what calls answer is invoiced once", holds, f"{there} of {len(told)} charges and credits")


def _told(charge: Json) -> tuple[object, ...]:
    span, reason = charge["service_period"], str(charge.get("reason", "")).removeprefix("CHARGE_REASON_")
    said = "" if reason == "UNSPECIFIED" else reason
    return (charge["code"], said, _instant(span["start"]), _instant(span["end"]), int(charge["amount"]["amount_minor"]))


def _amounts(own: Sequence[Billed], wanted: Sequence[Bill]) -> Check:
    pairs = [(_lines(each), _expected(bill)) for each, bill in zip(own, wanted, strict=False)]
    right = sum(found == expected for found, expected in pairs)
    holds = right == len(own) == len(wanted)
    total, expected = sum(each.minor("total_minor") for each in own), sum(bill.total for bill in wanted)
    figures = f"{right} of {len(wanted)} invoices; EUR {euro(total)}, expected EUR {euro(expected)}"
    return Check("life", "every line is as worked out by hand", holds, figures)


def _lines(each: Billed) -> tuple[datetime, list[tuple[object, ...]]]:
    lines = each.invoice.get("lines", ())
    return _instant(each.invoice["invoice_time"]), sorted(_line(line) for line in lines)


def _line(line: Json) -> tuple[object, ...]:
    span = line["service_period"]
    amounts = (int(line.get(name, 0)) for name in ("amount_minor", "discount_minor", "net_minor", "tax_minor"))
    return (line["code"], line.get("reason", ""), _instant(span["start"]), _instant(span["end"]), *amounts)


def _expected(bill: Bill) -> tuple[datetime, list[tuple[object, ...]]]:
    return bill.at, sorted(_expected_line(line) for line in bill.lines)


def _expected_line(line: Line) -> tuple[object, ...]:
    return (line.code, line.reason, line.start, line.end, line.amount, line.discount, line.net, line.tax)


def _credits(lines: Sequence[Json]) -> Check:
    """Each credit names a charge that is invoiced, and all credits of a charge stay within its net amount and tax."""
    charges = {each["charge_id"]: each for each in lines if int(each["amount_minor"]) > 0}
    given = [each for each in lines if int(each["amount_minor"]) < 0]
    named = sum((each.get("credit_of") or {}).get("charge_id") in charges for each in given)
    holds = named == len(given) > 0 and all(_within(charge, given) for charge in charges.values())
    back = -sum(int(each["net_minor"]) for each in given)
    figures = f"{named} of {len(given)} name it; EUR {euro(back)} given back"
    return Check("life", "a credit repairs a charge, within it", holds, figures)


def _within(charge: Json, given: Sequence[Json]) -> bool:
    own = [each for each in given if (each.get("credit_of") or {}).get("charge_id") == charge["charge_id"]]
    return all(
        -sum(int(each.get(name, 0)) for each in own) <= int(charge.get(name, 0)) for name in ("net_minor", "tax_minor")
    )


def _balance(own: Sequence[Billed], wanted: Sequence[Bill]) -> Check:
    """What a pause gave back beyond the bill is kept for the customer and used by the next one."""
    names = ("credit_granted_minor", "credit_applied_minor", "paid_minor")
    found = [tuple(each.minor(name) for name in names) for each in own]
    holds = found == [(bill.granted, bill.applied, bill.paid) for bill in wanted]
    granted, applied = (sum(each[place] for each in found) for place in (0, 1))
    return Check("life", "account credit is used up", holds, f"EUR {euro(granted)} kept, EUR {euro(applied)} used")


def _explained(lines: Sequence[Json]) -> Check:
    right = sum(_recomputes(line) for line in lines)
    holds = right == len(lines) > 0
    return Check("life", "each explanation recomputes to its amount", holds, f"{right} of {len(lines)} lines")


def _recomputes(line: Json) -> bool:
    try:
        return explanation_from_json(str(line.get("explanation", ""))).rounded.minor == int(line["amount_minor"])
    except InvalidExplanation:
        return False


def _timeline(changes: Sequence[Json]) -> Check:
    versions = [int(each["version"]) for each in changes]
    kinds = [str(each["kind"]) for each in changes]
    whole = versions == list(range(1, len(versions) + 1)) and kinds == KINDS
    return Check("life", "the timeline is whole", whole, f"{len(kinds)} entries, versions without a gap")


def _past(lived: Lived) -> Check:
    """GetSubscription with `as_of` answers what it was."""
    found = {name: subscription for name, _, subscription in lived.past}
    right = sum(_was(found.get(name, {}), lived.versions) == tuple(was) for name, *was in PAST)
    return Check("life", "it is known what it was at each time", right == len(PAST), f"{right} of {len(PAST)} days")


def _was(subscription: Json, versions: dict[str, str]) -> tuple[str, ...]:
    state = str(subscription.get("state", "")).removeprefix("SUBSCRIPTION_STATE_")
    plans = [code for code, version_id in versions.items() if version_id == subscription.get("plan_version_id")]
    seats = [str(item["quantity"]) for item in subscription.get("items", ()) if item["code"] == story.SEATS]
    return (state, *plans, *seats)


def _access(lived: Lived) -> Check:
    asked = [each for scene in lived.scenes for each in scene.access]
    right = sum(each.right for each in asked)
    return Check("life", "access follows within a second", right == len(asked) > 0, f"{right} of {len(asked)} answers")


def _tried(tried: Json) -> Check:
    minor, wanted = int(tried["amount"]["amount_minor"]), cents(price_of(Fraction(story.TRIED_CALLS)))
    return Check("life", "a price tried is the price billed", minor == wanted, f"EUR {euro(minor)}")


def _instant(text: object) -> datetime:
    return datetime.fromisoformat(str(text))
