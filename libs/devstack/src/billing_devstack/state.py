"""What the stack is doing now, for people and for other processes: `.billing/state.json`, rewritten at each change."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from billing_devstack.folder import write_private
from billing_devstack.process import Identity

Health = Literal["waiting", "starting", "ready", "unhealthy", "restarting", "external", "stopped", "failed"]
Phase = Literal["starting", "up", "stopping", "down"]


@dataclass(frozen=True, slots=True)
class PartStatus:
    """One row of the table. `port` is 0 where there is none; `preferred` differs from it when the port was taken."""

    part: str
    port: int = 0
    preferred: int = 0
    pid: int = 0
    health: Health = "waiting"
    restarts: int = 0
    log: str = ""
    note: str = ""

    @property
    def moved(self) -> bool:
        return self.preferred not in (0, self.port)


@dataclass(frozen=True, slots=True)
class StackStatus:
    """The whole stack. `urls` are ready to paste; `supervisor` is None when none is running."""

    phase: Phase
    supervisor: Identity | None
    parts: tuple[PartStatus, ...] = ()
    urls: Mapping[str, str] = field(default_factory=dict)

    def part(self, name: str) -> PartStatus:
        """Raises KeyError for a part that is not in this stack."""
        return {part.part: part for part in self.parts}[name]

    def to_json(self) -> dict[str, Any]:
        return {
            "phase": self.phase,
            "supervisor": self.supervisor.to_json() if self.supervisor else None,
            "parts": [asdict(part) for part in self.parts],
            "urls": dict(self.urls),
        }


def read(path: Path) -> StackStatus:
    """The last written state; `down` when there is none or its supervisor is gone."""
    try:
        stored = json.loads(path.read_text())
        supervisor = Identity.from_json(stored["supervisor"]) if stored["supervisor"] else None
        status = StackStatus(
            stored["phase"], supervisor, tuple(PartStatus(**part) for part in stored["parts"]), stored["urls"]
        )
    except (OSError, ValueError, KeyError, TypeError):
        return StackStatus("down", None)
    if supervisor is not None and supervisor.alive():
        return status
    gone = tuple(replace(part, health="stopped", pid=0) for part in status.parts)
    return StackStatus("down", None, gone, status.urls)


Watch = Callable[[PartStatus], None]
"""Called at each change of a part, from several threads, one call at a time."""


class Board:
    """The living state: threads change it, the file follows."""

    def __init__(self, path: Path, supervisor: Identity, watch: Watch) -> None:
        self._path = path
        self._supervisor = supervisor
        self._watch = watch
        self._lock = threading.RLock()
        self._phase: Phase = "starting"
        self._parts: dict[str, PartStatus] = {}
        self._urls: dict[str, str] = {}

    def status(self) -> StackStatus:
        with self._lock:
            supervisor = None if self._phase == "down" else self._supervisor  # it may live on without its stack
            return StackStatus(self._phase, supervisor, tuple(self._parts.values()), dict(self._urls))

    def enter(self, phase: Phase) -> None:
        with self._lock:
            self._phase = phase
            self._write()

    def publish_urls(self, urls: Mapping[str, str]) -> None:
        with self._lock:
            self._urls.update(urls)
            self._write()

    def change(self, part: str, **values: Any) -> None:
        """Sets fields of a part's row, which is made at first mention; equal values change nothing."""
        with self._lock:
            before = self._parts.get(part, PartStatus(part))
            after = replace(before, **values)
            if after == before and part in self._parts:
                return
            self._parts[part] = after
            self._write()
            self._watch(after)

    def _write(self) -> None:
        write_private(self._path, json.dumps(self.status().to_json(), indent=1).encode())
