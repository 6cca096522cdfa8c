"""python -m tests.bench [NAME ...]: measures, prints the table, writes .billing/bench.json."""

import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from tests.bench import change, create, entitlement, get, idle, ingest, migration, rating, renewals, rest, run
from tests.bench.figures import Row, show, write

ROOT = Path(".billing")
MEASURES: Mapping[str, Callable[[Path], Row]] = {
    "get": get.measure,
    "entitlement": entitlement.measure,
    "create": create.measure,
    "change": change.measure,
    "renewals": renewals.measure,
    "migration": migration.measure,
    "rest": rest.measure,
    "ingest": ingest.measure,
    "run": run.measure,
    "rating": rating.measure,
    "idle": idle.memory,
    "ready": idle.ready,
}


def main(names: Sequence[str]) -> int:
    """The exit code: 1 when an answer was wrong, 2 for a name that does not exist."""
    console = Console(highlight=False)
    unknown = [name for name in names if name not in MEASURES]
    if unknown:
        console.print(f"no such ratio: {', '.join(unknown)}; there are {', '.join(MEASURES)}")
        return 2
    _warn(console)
    rows = [_measure(name, console) for name in names or MEASURES]
    show(console, rows)
    write(ROOT / "bench.json", rows)
    return 0


def _warn(console: Console) -> None:
    """Rates say little while others use the machine; ratios scatter."""
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    if load > cores / 2:
        console.print(f"[yellow]the machine is busy: load {load:.1f} on {cores} cores; look at the CPU figures[/]")


def _measure(name: str, console: Console) -> Row:
    root = ROOT / "bench" / name
    shutil.rmtree(root, ignore_errors=True)
    began = time.monotonic()
    load = os.getloadavg()[0]
    with console.status(f"measuring {name}"):
        row = MEASURES[name](root)
    row = replace(row, figures={**row.figures, "load before": round(load, 1)})
    console.print(f"[dim]{name}: {time.monotonic() - began:.0f} s[/]")
    shutil.rmtree(root, ignore_errors=True)
    return row


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
