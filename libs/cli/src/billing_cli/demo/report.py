"""What the demo prints: a timeline, the invoices with their lines, the payments. Aligned, coloured, short."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from billing_cli.demo.harvest import Billed
from billing_cli.rest import Json

STATES = {"PAID": "green", "SUCCEEDED": "green", "SOFT_DECLINED": "yellow", "HARD_DECLINED": "red", "OPEN": "yellow"}


def euro(minor: int) -> str:
    """Cents as euro, without a float."""
    sign = "-" if minor < 0 else ""
    return f"{sign}{abs(minor) // 100:,}.{abs(minor) % 100:02}"


def day(text: str) -> str:
    """The day of an RFC 3339 instant, in UTC."""
    return f"{datetime.fromisoformat(text):%d %b %Y}" if text else ""


def timeline(billed: Sequence[Billed]) -> Table:
    """What happened, in business time: invoices and attempts to collect them."""
    rows: list[tuple[str, int, str, str, str, str]] = []
    for each in billed:
        number, name = str(each.invoice.get("number", "")), each.member.customer.external_id
        rows.append(_moment(each.invoice.get("invoice_time"), 0, "invoice", number, name, _amount(each)))
        for payment in each.payments:
            for attempt in payment.get("attempts", ()):
                word = _word(attempt.get("state"))
                rows.append(_moment(attempt.get("attempt_time"), 1, word, number, name, _amount(each)))
    table = Table(title="Timeline", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("when (UTC)", "what", "invoice", "customer"):
        table.add_column(column, no_wrap=True)
    table.add_column("EUR", justify="right", no_wrap=True)
    for at, _, what, number, name, amount in sorted(rows):
        table.add_row(at.replace("T", " ")[:16], Text(what, STATES.get(what, "")), number, name, amount)
    return table


def invoices(billed: Sequence[Billed]) -> Group:
    """Each invoice with its lines, their explanation and its taxes."""
    return Group(*(part for each in billed for part in _invoice(each)))


def payments(billed: Sequence[Billed]) -> Table:
    """One row a payment with all its attempts."""
    table = Table(title="Payments", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("invoice", "customer"):
        table.add_column(column, no_wrap=True)
    table.add_column("EUR", justify="right", no_wrap=True)
    table.add_column("attempts", overflow="fold")
    for each in billed:
        for payment in each.payments:
            name, number = each.member.customer.external_id, str(each.invoice.get("number", ""))
            table.add_row(number, name, euro(int(payment["amount"].get("amount_minor", 0))), _attempts(payment))
    return table


def files(billed: Sequence[Billed], base: Path) -> Text:
    """Where the PDFs are."""
    folder = billed[0].pdf.parent if billed else base
    shown = folder.relative_to(base) if folder.is_relative_to(base) else folder
    names = "  ".join(each.pdf.name for each in billed)
    return Text.assemble((f"PDFs in {shown}/\n", "bold"), (names, "dim"))


def _invoice(each: Billed) -> list[RenderableType]:
    invoice, customer = each.invoice, each.member.customer
    state = _word(invoice.get("state"))
    head = Text.assemble(
        (str(invoice.get("number", "")), "bold cyan"),
        f"  {day(str(invoice.get('invoice_time', '')))}  ",
        (str(customer.party.get("company") or customer.party["name"]), "bold"),
        f", {customer.party['address']['country_code']}  ",
        (state.lower(), STATES.get(state, "")),
    )
    table = Table.grid(padding=(0, 2))
    table.add_column(width=24)
    table.add_column(width=15, no_wrap=True)
    table.add_column(justify="right", width=10)
    table.add_column(style="dim", overflow="fold")
    for line in invoice.get("lines", ()):
        table.add_row(line.get("description", ""), _span(line), euro(int(line.get("net_minor", 0))), _why(line))
    for tax in invoice.get("tax_summary", ()):
        table.add_row(_tax(tax), "", euro(int(tax.get("amount_minor", 0))), str(tax.get("legal_note", "")))
    table.add_row(Text("total", "bold"), "", Text(_amount(each), "bold"), "")
    return [head, table, Text("")]


def _amount(each: Billed) -> str:
    return euro(each.minor("total_minor"))


def _span(line: Json) -> str:
    period = line.get("service_period", {})
    start, end = (datetime.fromisoformat(str(period[name])) for name in ("start", "end"))
    return f"{start:%d %b} - {end:%d %b}"


def _why(line: Json) -> str:
    events = int(line.get("event_count", 0))
    sentence = str(line.get("explanation_sentence", ""))
    return f"{sentence} ({events:,} events)" if events else sentence


def _tax(tax: Json) -> str:
    place = " ".join(str(tax.get(name, "")) for name in ("name", "country_code", "region")).strip()
    rule = _word(tax.get("rule")).replace("_", " ").lower()
    return f"{place} {tax.get('rate_percent', '0')} %, {rule}"


def _attempts(payment: Json) -> Text:
    text = Text()
    for attempt in payment.get("attempts", ()):
        word = _word(attempt.get("state"))
        reason = f" ({attempt['decline_code']})" if attempt.get("decline_code") else ""
        separator = " → " if text else ""
        text.append(separator).append(f"{day(str(attempt.get('attempt_time', '')))} ", "dim")
        text.append(word.lower().replace("_", " ") + reason, STATES.get(word, ""))
    return text


def _moment(
    at: object, rank: int, what: str, number: str, name: str, amount: str
) -> tuple[str, int, str, str, str, str]:
    return (str(at or ""), rank, what, number, name, amount)


def _word(name: object) -> str:
    """INVOICE_STATE_PAID -> PAID."""
    text = str(name or "")
    for prefix in ("INVOICE_STATE_", "ATTEMPT_STATE_", "PAYMENT_STATE_", "TAX_RULE_"):
        text = text.removeprefix(prefix)
    return text
