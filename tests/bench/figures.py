"""What the bench says: one row a figure, shown as a table and written as JSON."""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.table import Table

Better = Literal["higher", "lower"]


@dataclass(frozen=True)
class Row:
    """`ratio` is the median over `pairs`; `unit` says of what when it is no ratio. `floor` is what must hold, `aim`
    what we would like; `figures` are the absolute numbers behind it."""

    name: str
    ratio: float
    low: float
    high: float
    pairs: int
    floor: float | None = None
    aim: float | None = None
    unit: str = "ratio"
    better: Better = "higher"
    figures: Mapping[str, float | int | str] = field(default_factory=dict)

    @property
    def met(self) -> bool | None:
        """None without a floor."""
        return None if self.floor is None else self._reaches(self.floor)

    @property
    def aimed(self) -> bool:
        return self.aim is not None and self._reaches(self.aim)

    def _reaches(self, mark: float) -> bool:
        return self.ratio >= mark if self.better == "higher" else self.ratio <= mark

    def to_json(self) -> dict[str, object]:
        shown = asdict(self)
        shown["min"], shown["max"] = shown.pop("low"), shown.pop("high")
        return {**shown, "met": self.met}


def row_of(name: str, values: Sequence[float], **more: object) -> Row:
    """A row over measured values, one a pair."""
    return Row(name, statistics.median(values), min(values), max(values), len(values), **more)  # type: ignore[arg-type]


def median(values: Sequence[float]) -> float:
    return round(statistics.median(values), 1)


def show(console: Console, rows: Sequence[Row]) -> None:
    """The table."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("name", "ratio", "min", "max", "pairs", "floor", "aim", "", "absolute"):
        table.add_column(title, justify="left" if title in ("name", "", "absolute") else "right")
    for row in rows:
        measured = (_number(row.ratio), _number(row.low), _number(row.high), str(row.pairs))
        wanted = (_number(row.floor), _number(row.aim), _verdict(row))
        table.add_row(row.name, *measured, *wanted, _absolute(row))
    console.print(table)


def write(path: Path, rows: Sequence[Row]) -> None:
    """Keeps the rows of an earlier run that were not measured this time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = {row["name"]: row for row in json.loads(path.read_text())} if path.exists() else {}
    kept.update({row.name: row.to_json() for row in rows})
    path.write_text(json.dumps(list(kept.values()), indent=1) + "\n")


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.3f}"


def _verdict(row: Row) -> str:
    if row.met is False:
        return "[bold red]below floor[/]" if row.better == "higher" else "[bold red]over[/]"
    return "[green]aim reached[/]" if row.aimed else "[green]ok[/]" if row.met else ""


def _absolute(row: Row) -> str:
    unit = "" if row.unit == "ratio" else f"{row.unit}; "
    numbers = (f"{name} {value if isinstance(value, str) else f'{value:,.6g}'}" for name, value in row.figures.items())
    return unit + ", ".join(numbers)
