"""Loopback ports: the default one when it is free, another one when it is taken."""

from __future__ import annotations

import random
import socket
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import cycle, islice

LOOPBACK = "127.0.0.1"
QUIET = range(20_000, 30_000)
"""Below what Linux (32768 and up) and macOS (49152 and up) give to outgoing connections."""
TRIES = 50

_quiet = cycle(random.sample(QUIET, len(QUIET)))
"""The order of this process: a port is not given again before all others, for its server may not listen yet."""


@dataclass(frozen=True, slots=True)
class Port:
    """A free loopback port. `preferred` is what was asked for; 0 means "any"."""

    number: int
    preferred: int

    @property
    def moved(self) -> bool:
        """True when the preferred port was taken."""
        return self.preferred not in (0, self.number)

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self.number}"


def choose(preferred: int = 0) -> Port:
    """One free port, `preferred` if nobody listens there. Nothing is held: start the server soon."""
    return choose_all({"port": preferred})["port"]


def choose_all(preferred: Mapping[str, int]) -> dict[str, Port]:
    """Free ports for all names at once, all different."""
    chosen: dict[str, Port] = {}
    with ExitStack() as held:
        for name, number in preferred.items():
            bound = (_bind(number) if number else None) or _bind_quietly() or _bind(0)
            if bound is None:
                raise OSError("no free loopback port")
            held.callback(bound.close)
            chosen[name] = Port(bound.getsockname()[1], number)
    return chosen


def listening(port: int, timeout_s: float = 0.2) -> bool:
    """True when something accepts TCP connections on this loopback port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(timeout_s)
        return probe.connect_ex((LOOPBACK, port)) == 0


def _bind_quietly() -> socket.socket | None:
    """A port that no outgoing connection is given: between choosing and listening one could take any of those."""
    for number in islice(_quiet, TRIES):
        bound = _bind(number)
        if bound is not None:
            return bound
    return None


def _bind(number: int) -> socket.socket | None:
    """A bound, not listening socket. SO_REUSEADDR looks past TIME_WAIT, not past a listener."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((LOOPBACK, number))
        if number:
            bound.listen(1)
    except OSError:
        bound.close()
        return None
    return bound
