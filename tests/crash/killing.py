"""Roles as processes of their own, and the killer: arms a fault point, waits for the death, starts the role afresh."""

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from billing_devstack.process import Child
from billing_testkit.fleet import Fleet

ROLES: Sequence[tuple[str, str]] = (
    ("subscriptions", "serve"),
    ("subscriptions", "relay"),
    ("subscriptions", "consume"),
    ("invoicing", "serve"),
    ("invoicing", "relay"),
    ("invoicing", "consume"),
    ("invoicing", "jobs"),
    ("payments", "serve"),
    ("payments", "relay"),
    ("payments", "consume"),
    ("payments", "jobs"),
    ("usage", "all"),
    ("tax", "all"),
)
LOOK_S = 0.05
LOG_CHARS = 3000

Quiet = Callable[[], Mapping[str, int]]
"""What still moves, and how much of it; empty at rest."""


@dataclass(frozen=True)
class Fault:
    """Where a role dies: at the `pass_number`-th pass of `point`."""

    service: str
    role: str
    point: str
    pass_number: int = 1

    @property
    def place(self) -> tuple[str, str]:
        return self.service, self.role

    def __str__(self) -> str:
        return f"{self.service}-{self.role}@{self.point}:{self.pass_number}"


class Roles:
    """Every role of the mesh as a process."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        with ThreadPoolExecutor(4) as pool:
            started = pool.map(lambda place: fleet.run(*place), ROLES)
            self.running: dict[tuple[str, str], Child] = dict(zip(ROLES, started, strict=True))

    @contextmanager
    def armed(self, faults: Sequence[Fault]) -> Iterator["Killer"]:
        """The roles of `faults` (one each) run armed; each that dies comes back without its fault."""
        killer = Killer(self, faults)
        try:
            yield killer
        finally:
            killer.stop()

    def replace(self, place: tuple[str, str], fault: str = "") -> None:
        """Starts the role again; does not wait."""
        self._fleet.end(self.running[place])
        self.running[place] = self._fleet.run(*place, fault=fault, ready=False)


class Killer:
    """Watches armed roles in a thread of its own."""

    def __init__(self, roles: Roles, faults: Sequence[Fault]) -> None:
        assert len({fault.place for fault in faults}) == len(faults), "one fault a role"
        self._roles = roles
        self._waiting: Mapping[tuple[str, str], Fault] = {fault.place: fault for fault in faults}
        self.died: list[Fault] = []
        self.wrong_deaths: list[str] = []
        self._stopping = threading.Event()
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda fault: roles.replace(fault.place, f"{fault.point}:{fault.pass_number}"), faults))
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    @property
    def alive(self) -> list[Fault]:
        """Faults that have not struck yet."""
        return [fault for fault in self._waiting.values() if fault not in self.died]

    def stop(self) -> None:
        """Ends the watch; a role that never died goes on without its fault."""
        self._stopping.set()
        self._thread.join()
        for fault in self.alive:
            self._roles.replace(fault.place)

    def _watch(self) -> None:
        while not self._stopping.wait(LOOK_S) and self.alive:
            for fault in self.alive:
                child = self._roles.running[fault.place]
                if child.exit_code is not None:
                    self._note(fault, child)
                    self._roles.replace(fault.place)

    def _note(self, fault: Fault, child: Child) -> None:
        self.died.append(fault)
        if child.exit_code != -signal.SIGKILL:
            last_words = child.command.log.read_text(errors="replace")[-LOG_CHARS:]
            self.wrong_deaths.append(f"{fault}: ended with code {child.exit_code}: {last_words}")


def wait_until(quiet: Quiet, seconds: float) -> None:
    """Polls until nothing moves twice in a row. Raises AssertionError with what still moves."""
    until, calm = time.monotonic() + seconds, 0
    while calm < 2:
        moving = quiet()
        calm = 0 if moving else calm + 1
        assert time.monotonic() < until, f"not settled after {seconds:.0f} s: {moving}"
        time.sleep(0.2)
