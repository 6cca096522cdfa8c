"""What the demo prints: a timeline, the invoices with their lines, the payments. Aligned, coloured, short."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from billing_cli.demo.cast import SELLER
from billing_cli.demo.harvest import Billed
from billing_cli.rest import Json

HERE = ZoneInfo(SELLER["time_zone"])
TICK = timedelta(microseconds=1)
STATES = {"PAID": "green", "SUCCEEDED": "green", "SOFT_DECLINED": "yellow", "HARD_DECLINED": "red", "OPEN": "yellow"}


def euro(minor: int) -> str:
    """Cents as euro, without a float."""
    sign = "-" if minor < 0 else ""
    return f"{sign}{abs(minor) // 100:,}.{abs(minor) % 100:02}"


def moment(text: object) -> datetime:
    """An RFC 3339 instant as the seller's clocks show it."""
    return datetime.fromisoformat(str(text)).astimezone(HERE)


def day(text: object) -> str:
    """The seller's date of an RFC 3339 instant."""
    return f"{moment(text):%d %b %Y}" if text else ""


def timeline(billed: Sequence[Billed]) -> Table:
    """What happened, in business time: invoices and attempts to collect them."""
    table = Table(title="Timeline", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in (f"when ({HERE.key})", "what", "invoice", "customer"):
        table.add_column(column, no_wrap=True)
    table.add_column("EUR", justify="right", no_wrap=True)
    rows = [(at, rank, each, word) for each in billed for at, rank, word in _happenings(each)]
    for at, _, each, word in sorted(rows, key=lambda row: (row[0], row[1], str(row[2].invoice.get("number", "")))):
        number, name = str(each.invoice.get("number", "")), each.member.customer.external_id
        table.add_row(f"{at:%d %b %Y %H:%M}", _said(word), number, name, _amount(each))
    return table


def _happenings(each: Billed) -> Iterator[tuple[datetime, int, str]]:
    """(when, rank within the instant, word)."""
    yield moment(each.invoice["invoice_time"]), 0, "INVOICED"
    for payment in each.payments:
        for attempt in payment.get("attempts", ()):
            yield moment(attempt["attempt_time"]), 1, _word(attempt.get("state"))


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
    return Text.assemble((f"{len(billed)} PDFs in {shown}/\n", "bold"), (names, "dim"))


def head(each: Billed) -> Text:
    """The first line of an invoice: number, date, customer, state."""
    invoice, customer = each.invoice, each.member.customer
    return Text.assemble(
        (str(invoice.get("number", "")), "bold cyan"),
        f"  {day(invoice.get('invoice_time'))}  ",
        (str(customer.party.get("company") or customer.party["name"]), "bold"),
        f", {customer.party['address']['country_code']}  ",
        _said(_word(invoice.get("state"))),
    )


def _invoice(each: Billed) -> list[RenderableType]:
    invoice, customer = each.invoice, each.member.customer
    table = Table.grid(padding=(0, 2))
    table.add_column(width=33)
    table.add_column(width=15, no_wrap=True)
    table.add_column(justify="right", width=10)
    table.add_column(style="dim", overflow="fold")
    for line in invoice.get("lines", ()):
        table.add_row(
            line.get("description", ""), span(line, customer.zone), euro(int(line.get("net_minor", 0))), _why(line)
        )
    for tax in invoice.get("tax_summary", ()):
        table.add_row(_tax(tax), "", euro(int(tax.get("amount_minor", 0))), str(tax.get("legal_note", "")))
    table.add_row(Text("total", "bold"), "", Text(_amount(each), "bold"), "")
    return [head(each), table, Text("")]


def _amount(each: Billed) -> str:
    return euro(each.minor("total_minor"))


def span(line: Json, zone: str) -> str:
    """The first and the last day of the service of a line or charge, where the customer is."""
    period = line["service_period"]
    start, end = (datetime.fromisoformat(str(period[name])) for name in ("start", "end"))
    first, last = start.astimezone(ZoneInfo(zone)), (end - TICK).astimezone(ZoneInfo(zone))
    return f"{first:%d %b} - {last:%d %b}"


def _why(line: Json) -> str:
    events = int(line.get("event_count", 0))
    sentence = str(line.get("explanation_sentence", ""))
    return f"{sentence} ({events:,} events)" if events else sentence


def _tax(tax: Json) -> str:
    place = " ".join(str(tax.get(name, "")) for name in ("name", "country_code", "region")).strip()
    return f"{place} {tax.get('rate_percent', '0')} %, {_said(_word(tax.get('rule')))}"


def _attempts(payment: Json) -> Text:
    text = Text()
    for attempt in payment.get("attempts", ()):
        word = _word(attempt.get("state"))
        reason = f" ({attempt['decline_code']})" if attempt.get("decline_code") else ""
        separator = " → " if text else ""
        text.append(separator).append(f"{day(attempt.get('attempt_time'))} ", "dim")
        text.append_text(_said(word)).append(reason, "dim")
    return text


def _said(word: str) -> Text:
    """SOFT_DECLINED -> soft declined, in its colour."""
    return Text(word.lower().replace("_", " "), STATES.get(word, ""))


def _word(name: object) -> str:
    """INVOICE_STATE_PAID -> PAID."""
    text = str(name or "")
    for prefix in ("INVOICE_STATE_", "ATTEMPT_STATE_", "PAYMENT_STATE_", "TAX_RULE_"):
        text = text.removeprefix(prefix)
    return text
