"""The stack as a person reads it: a table of parts, and lines to paste."""

import re
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from billing_devstack.state import Health, PartStatus, StackStatus
from rich import box
from rich.table import Table
from rich.text import Text

COLOURS: dict[Health, str] = {
    "waiting": "dim",
    "starting": "yellow",
    "ready": "green",
    "unhealthy": "red",
    "restarting": "yellow",
    "external": "cyan",
    "stopped": "dim",
    "failed": "bold red",
}
DOWNLOAD = re.compile(r"downloading Kafka: (\d+) of (\d+) MB")  # as the supervisor notes it on the part
ORDER = ("edge", "subscriptions", "usage", "invoicing", "tax", "payments", "postgres", "valkey", "kafka")


def stack_table(status: StackStatus, base: Path | None = None) -> Table:
    """One row a part; log paths are relative to `base` where they lie below it."""
    phase = {"up": "green", "starting": "yellow"}.get(status.phase, "red")
    title = Text.assemble("billing stack ", (status.phase, f"bold {phase}"))
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for name, justify in (("part", "left"), ("port", "right"), ("health", "left"), ("pid", "right")):
        table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    table.add_column("log", overflow="fold")
    table.add_column("note", overflow="fold")
    for part in sorted(visible(status.parts), key=_place):
        table.add_row(*_cells(part, base))
    return table


def visible(parts: Sequence[PartStatus]) -> list[PartStatus]:
    """Rows for people: second ports of a part (metrics, admin) have none of their own."""
    return [part for part in parts if "." not in part.part]


def download_of(parts: Sequence[PartStatus]) -> tuple[int, int] | None:
    """(megabytes done, all) of the first download; None when none goes on."""
    found = next((match for part in parts if (match := DOWNLOAD.fullmatch(part.note))), None)
    return (int(found[1]), int(found[2])) if found else None


def plain_line(part: PartStatus) -> str:
    """A change of a part where no terminal can draw; a download changes in steps of a tenth."""
    note = _note(part)
    if download := download_of([part]):
        done, total = download
        note = f"downloading, {10 * (10 * done // max(total, 1))} % of {total} MB"
    return " ".join(f"{part.part:<14} {part.port or '':>5} {part.health} {note}".split())


def paste_lines(urls: dict[str, str], tenant: UUID, token: str) -> str:
    """Shell lines that work as they are: a token, REST by curl, gRPC by grpcurl."""
    lines = [f"TOKEN={token}"]
    if "rest" in urls:
        lines += [
            f'curl -s {urls["rest"]}/v1/customers -H "authorization: Bearer $TOKEN"',
            f'curl -s {urls["rest"]}/v1/customers -H "authorization: Bearer $TOKEN" -H "idempotency-key: $(date +%s%N)"'
            ' -H "content-type: application/json" -d \'{"party":{"name":"Ada","address":{"country_code":"DE"}},'
            '"currency_code":"EUR"}\'',
        ]
    grpc = urls.get("grpc.subscriptions")
    if grpc:
        lines += [
            f"grpcurl -plaintext {grpc} list",
            f'grpcurl -plaintext -H "authorization: Bearer $TOKEN" {grpc}'
            " billing.subscriptions.v1.CustomersService/ListCustomers",
        ]
    if "rest" in urls:
        lines.append(f"# API pages: {urls['rest']}/docs   tenant: {tenant}")
    return "\n".join(lines)


def _place(part: PartStatus) -> tuple[int, str]:
    return (ORDER.index(part.part) if part.part in ORDER else len(ORDER), part.part)


def _cells(part: PartStatus, base: Path | None) -> tuple[str | Text, ...]:
    log = Path(part.log) if part.log else None
    shown = log.relative_to(base) if log and base and log.is_relative_to(base) else log
    return (
        Text(part.part, "bold"),
        str(part.port or ""),
        Text(part.health, COLOURS[part.health]),
        str(part.pid or ""),
        Text(str(shown or ""), "dim"),
        Text(_note(part), "yellow" if part.moved or part.note else ""),
    )


def _note(part: PartStatus) -> str:
    moved = f"port {part.preferred} is taken" if part.moved else ""
    again = f"started again {part.restarts} times" if part.restarts else ""
    return "; ".join(text for text in (moved, again, part.note) if text)
