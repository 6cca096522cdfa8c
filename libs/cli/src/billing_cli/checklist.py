"""A check list: what was asked, whether it holds, and the figures that say so."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text


@dataclass(frozen=True, slots=True)
class Check:
    """`detail` holds the figures; `group` is the heading it stands under."""

    group: str
    name: str
    passed: bool
    detail: str = ""


def checklist(checks: Iterable[Check]) -> Table:
    """One line a check, a mark in front; the group is named once."""
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(style="dim", overflow="fold")
    before = ""
    for check in checks:
        mark = Text("✓", "green") if check.passed else Text("✗", "bold red")
        group = check.group if check.group != before else ""
        table.add_row(mark, group, Text(check.name, "" if check.passed else "red"), check.detail)
        before = check.group
    return table


def verdict(checks: Sequence[Check]) -> Text:
    """The last line."""
    failed = sum(not check.passed for check in checks)
    if failed:
        return Text(f"{failed} of {len(checks)} checks failed", "bold red")
    return Text(f"all {len(checks)} checks hold", "bold green")
