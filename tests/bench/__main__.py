"""python -m tests.bench [NAME ...]: measures, prints the table, writes .billing/bench.json."""

import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rich.console import Console

from tests.bench import create, get, idle, ingest, rest, run
from tests.bench.figures import Row, show, write

ROOT = Path(".billing")
MEASURES: Mapping[str, Callable[[Path], Row]] = {
    "get": get.measure,
    "create": create.measure,
    "rest": rest.measure,
    "ingest": ingest.measure,
    "run": run.measure,
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
    rows = [_measure(name, console) for name in names or MEASURES]
    show(console, rows)
    write(ROOT / "bench.json", rows)
    return 0


def _measure(name: str, console: Console) -> Row:
    root = ROOT / "bench" / name
    shutil.rmtree(root, ignore_errors=True)
    began = time.monotonic()
    with console.status(f"measuring {name}"):
        row = MEASURES[name](root)
    console.print(f"[dim]{name}: {time.monotonic() - began:.0f} s[/]")
    shutil.rmtree(root, ignore_errors=True)
    return row


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
