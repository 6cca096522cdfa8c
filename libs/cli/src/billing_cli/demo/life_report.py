"""What the demo prints of one subscription's life: each call with its lines and why, the timeline, a price tried."""

import re
from collections.abc import Iterator, Mapping, Sequence

from billing_pricing import explanation_from_json
from rich.console import Group, JustifyMethod, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from billing_cli.demo import story
from billing_cli.demo.harvest import Billed
from billing_cli.demo.life import Access, Lived, Scene
from billing_cli.demo.report import euro, head, moment, span
from billing_cli.rest import Json

INDENT, NAME, SPAN = 10, 19, 17
WIDTHS: tuple[tuple[int, JustifyMethod], ...] = (
    (19, "left"),
    (15, "left"),
    (8, "right"),
    (7, "right"),
    (8, "right"),
    (12, "left"),
)
NOTE = re.compile(r" \([a-z ]+ of the period\)$")  # charge or credit is said already


def scenes(lived: Lived, billed: Sequence[Billed]) -> Group:
    """One block a call. `billed` names the invoices that credits repair."""
    numbers = {
        str(line["charge_id"]): str(each.invoice.get("number", ""))
        for each in billed
        for line in each.invoice.get("lines", ())
    }
    return Group(*(part for scene in lived.scenes for part in _scene(scene, numbers)))


def timeline(lived: Lived) -> Group:
    """ListSubscriptionChanges."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    for each in lived.changes:
        what, why = Text(str(each["summary"])), str(each.get("reason", ""))
        what.append(f" ({why})" if why else "", "dim")
        table.add_row(f"{moment(each['effective_time']):%d %b %Y %H:%M}", str(each.get("actor", "")), what)
    return Group(Text("Its timeline", "italic"), table, Text(""))


def invoices(billed: Sequence[Billed]) -> Group:
    """Each invoice with its lines: the amount, what the coupon takes off, what is left."""
    return Group(Text("Its invoices", "italic"), *(part for each in billed for part in _invoice(each)))


def tried(lived: Lived) -> Group:
    """prices:preview, as its indented text."""
    title = Text.assemble(
        ("A price tried", "italic"), f"  {int(story.TRIED_CALLS):,} calls by the tiers of Cloud API, nothing written"
    )
    return Group(title, Padding(Text(str(lived.tried["text"]), "dim"), (0, 0, 0, 2)), Text(""))


def _scene(scene: Scene, numbers: Mapping[str, str]) -> Iterator[RenderableType]:
    title = Text.assemble((f"{moment(scene.at):%d %b %Y %H:%M}  ", "bold cyan"), (scene.title, "bold"))
    if scene.preview is not None:
        title.append("  preview = call" if scene.as_previewed else "  preview differs", _mark(scene.as_previewed))
    yield title
    for rule in scene.answer.get("rules", ()):
        yield _row("rule", Text(_rule(rule)))
    for charge in scene.answer.get("charges", ()):
        yield from _charge(charge, numbers)
    if scene.answer.get("net"):
        yield _row("net", Text(f"{'':<{NAME + SPAN}}{euro(_minor(scene.answer['net'])):>9}", "bold"))
    for coupon in scene.answer.get("subscription", {}).get("coupons", ()) if scene.preview is None else ():
        yield _row(
            "coupon",
            Text(f"{coupon['coupon_code']}: {coupon['percent']} % off, periods left: {coupon['periods_left']}"),
        )
    if scene.access:
        yield _row("access", Text("; ").join(_access(each) for each in scene.access))
    yield Text("")


def _charge(charge: Json, numbers: Mapping[str, str]) -> Iterator[RenderableType]:
    minor, name = _minor(charge["amount"]), NOTE.sub("", str(charge["description"]))
    line = Text(f"{name:<{NAME}}{span(charge, story.CUSTOMER.zone):<{SPAN}}")
    line.append(f"{euro(minor):>9}", "green" if minor < 0 else "")
    repaired = (charge.get("credit_of") or {}).get("charge_id")
    if repaired:
        line.append(f"  repairs {numbers.get(repaired, 'what is not invoiced yet')}", "dim")
    yield _row("credit" if minor < 0 else "charge", line)
    why = explanation_from_json(str(charge["explanation"])).sentence()
    yield Padding(Text(why, "dim"), (0, 0, 0, INDENT + 2))


def _invoice(each: Billed) -> Iterator[RenderableType]:
    table = Table.grid(padding=(0, 2))
    for width, justify in WIDTHS:
        table.add_column(width=width, justify=justify, no_wrap=True)
    for line in each.invoice.get("lines", ()):
        off, net = int(line.get("discount_minor", 0)), int(line["net_minor"])
        name, reason = NOTE.sub("", str(line["description"])), _word(line.get("reason"), "")
        amounts = (euro(int(line["amount_minor"])), euro(-off) if off else "", euro(net))
        table.add_row(name, span(line, story.CUSTOMER.zone), *amounts, Text(reason, "dim"))
    for name, minor in _sums(each):
        table.add_row(name, "", "", "", euro(minor), "")
    yield head(each)
    yield Padding(table, (0, 0, 1, 2))


def _sums(each: Billed) -> Iterator[tuple[str, int]]:
    for tax in each.invoice.get("tax_summary", ()):
        yield f"VAT {tax.get('rate_percent', '0')} %", int(tax.get("amount_minor", 0))
    yield "total", each.minor("total_minor")
    for name, field in (("account credit used", "credit_applied_minor"), ("kept as credit", "credit_granted_minor")):
        if each.minor(field):
            yield name, each.minor(field)


def _rule(rule: Json) -> str:
    """ "UPGRADE: now, by days of the actual period, settled at once"."""
    proration = rule.get("proration") or {}
    words = [
        _word(rule.get("when"), "CHANGE_WHEN_"),
        _word(proration.get("basis"), "PRORATION_BASIS_"),
        _word(proration.get("denominator"), "PRORATION_DENOMINATOR_"),
        _word(rule.get("settlement"), "SETTLEMENT_"),
    ]
    return f"{_word(rule.get('kind'), 'CHANGE_KIND_')}: {', '.join(words)}"


def _access(access: Access) -> Text:
    reason, value = _word(access.answer.get("reason"), "ENTITLEMENT_REASON_"), access.answer.get("value")
    allowed = bool(access.answer.get("allowed"))
    said = f"{reason} ({value})" if value else reason
    return Text.assemble(f"{story.FEATURES[access.feature]}: ", (said, "green" if allowed else "yellow"))


def _row(label: str, text: Text) -> Text:
    return Text.assemble("  ", (f"{label:<{INDENT - 2}}", "dim"), text)


def _word(name: object, prefix: str) -> str:
    """CHANGE_WHEN_PERIOD_END -> period end."""
    return str(name or "").removeprefix(prefix).lower().replace("_", " ")


def _minor(money: Json) -> int:
    return int(money.get("amount_minor", 0))


def _mark(right: bool) -> str:
    return "green" if right else "bold red"
