"""One supervised part: started, watched, started again after a crash, stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from billing_devstack.errors import StackError
from billing_devstack.process import Child
from billing_devstack.state import Board

LOOK_S = 0.2
HEALTH_EVERY_S = 2.0
BACK_OFF_S = (0.2, 1.0, 2.0, 5.0, 15.0, 30.0)
STABLE_S = 60.0


class Running(Protocol):
    """What a part's `start` gives back."""

    @property
    def child(self) -> Child: ...
    def stop(self) -> None: ...


class Unit:
    """A part and the thread that watches it.

    `start` blocks until the part is ready and may be called again after a crash; `healthy` is asked now and then;
    `after_restart` runs when a crashed part is back.
    """

    def __init__(
        self,
        name: str,
        board: Board,
        log: Path,
        start: Callable[[], Running],
        healthy: Callable[[], bool],
        after_restart: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = name
        self._board = board
        self._log = log
        self._start = start
        self._healthy = healthy
        self._after_restart = after_restart
        self._running: Running | None = None
        self._stopping = threading.Event()
        self._wanted = threading.Event()
        self._thread = threading.Thread(target=self._watch, name=f"watch-{name}", daemon=True)
        self._restarts = 0
        self._failures = 0
        self._since = 0.0
        board.change(name, log=str(log), health="waiting")

    @property
    def running(self) -> Running:
        """Raises StackError before the first start."""
        if self._running is None:
            raise StackError(f"{self.name} is not running")
        return self._running

    def begin(self) -> None:
        """First start; from then on the part is watched. Raises what `start` raises."""
        self._board.change(self.name, health="starting", note="")
        try:
            self._started(self._start())
        except BaseException as error:
            self._board.change(self.name, health="failed", note=str(error))
            raise
        self._thread.start()

    def restart(self) -> None:
        """Asks for a clean stop and a new start; returns at once."""
        self._wanted.set()

    def stop(self) -> None:
        """Ends the watching and the part. Safe to call twice, and before `begin`."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        if self._running is not None:
            self._running.stop()
            self._board.change(self.name, health="stopped", pid=0)

    def _started(self, running: Running) -> None:
        self._running = running
        self._since = time.monotonic()
        self._board.change(self.name, health="ready", pid=running.child.pid, note="")
        if self._stopping.is_set():
            running.stop()

    def _watch(self) -> None:
        next_look = time.monotonic() + HEALTH_EVERY_S
        while not self._stopping.wait(LOOK_S):
            if self._wanted.is_set():
                self._wanted.clear()
                self._start_again("restarted on purpose")
            elif not self.running.child.alive():
                code = self.running.child.exit_code
                self._start_again(f"ended with code {code}")
            elif time.monotonic() >= next_look:
                self._board.change(self.name, health="ready" if self._healthy() else "unhealthy")
                next_look = time.monotonic() + HEALTH_EVERY_S

    def _start_again(self, why: str) -> None:
        """Tries until it works or the stack stops; each failure waits longer."""
        if time.monotonic() - self._since > STABLE_S:
            self._failures = 0
        back = False
        while not back and not self._stopping.is_set():
            self.running.stop()
            self._board.change(self.name, health="restarting", pid=0, note=why)
            if self._stopping.wait(BACK_OFF_S[min(self._failures, len(BACK_OFF_S) - 1)]):
                return
            self._failures += 1
            self._restarts += 1
            self._board.change(self.name, restarts=self._restarts)
            try:
                self._started(self._start())
                self._after_restart()
                back = True
            except Exception as error:
                why = str(error)
