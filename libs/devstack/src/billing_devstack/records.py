"""Records of living children, so that whoever comes after a kill -9 can end what was left."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from billing_devstack.folder import write_private
from billing_devstack.layout import Layout
from billing_devstack.process import Child, Identity, end, end_all_in


def record(layout: Layout, child: Child) -> None:
    """Notes a child right after its start."""
    stored = {**child.identity.to_json(), "signal": int(child.command.stop_signal), "grace_s": child.command.grace_s}
    write_private(layout.run / f"{child.command.name}.json", json.dumps(stored).encode())


def forget(layout: Layout, child: Child) -> None:
    """Drops the note of a child that has ended."""
    (layout.run / f"{child.command.name}.json").unlink(missing_ok=True)


def recorded(layout: Layout) -> dict[str, Identity]:
    """The noted children by name; some may have ended since."""
    return {path.stem: Identity.from_json(json.loads(path.read_text())) for path in layout.run.glob("*.json")}


def end_leftovers(layout: Layout) -> list[str]:
    """Ends everything that an earlier supervisor of this folder left running; the names of what was there.

    Services first, then the data parts, which are known by their working folder. Only for whoever holds the folder.
    """
    ended = _end_recorded(sorted(layout.run.glob("*.json")))
    parts = ((layout.kafka, "java"), (layout.valkey, "valkey-server"), (layout.postgres, "postgres"))
    with ThreadPoolExecutor(len(parts)) as pool:
        list(pool.map(lambda part: end_all_in(part[0].resolve(), part[1], _stop_signal(part[1])), parts))
    return ended


def _end_recorded(paths: Iterable[Path]) -> list[str]:
    found = list(paths)
    with ThreadPoolExecutor(max(1, len(found))) as pool:
        was_there = list(pool.map(_end_one, found))
    return [path.stem for path, there in zip(found, was_there, strict=True) if there]


def _end_one(path: Path) -> bool:
    try:
        stored = json.loads(path.read_text())
        there = end(Identity.from_json(stored), signal.Signals(stored["signal"]), float(stored["grace_s"]))
    except (OSError, ValueError, KeyError):
        there = False
    path.unlink(missing_ok=True)
    return there


def _stop_signal(program: str) -> signal.Signals:
    """PostgreSQL's SIGTERM waits for its clients; SIGINT cuts them."""
    return signal.SIGINT if program == "postgres" else signal.SIGTERM
