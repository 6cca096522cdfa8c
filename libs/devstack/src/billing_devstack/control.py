"""What other processes do with a stack: start one in the background, look at it, end it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from billing_devstack import state
from billing_devstack.errors import FolderInUse, StackError, StartFailed
from billing_devstack.folder import FolderLock
from billing_devstack.layout import Layout
from billing_devstack.process import Command, end, spawn
from billing_devstack.records import end_leftovers
from billing_devstack.stack import DYING_S, AlreadyRunning
from billing_devstack.state import StackStatus

START_S = 300.0
STOP_S = 60.0
POLL_S = 0.1

See = Callable[[StackStatus], None]


def status(root: Path) -> StackStatus:
    """The state of the stack in `root`; phase `down` when no supervisor runs."""
    return state.read(Layout(root.resolve()).state)


def up_detached(root: Path, options: Sequence[str] = (), see: See = lambda status: None) -> StackStatus:
    """Starts a supervisor in the background and waits until its stack is up; `see` gets the state again and again.

    `options` are those of `python -m billing_devstack up`. Raises AlreadyRunning, StartFailed.
    """
    layout = Layout(root.resolve())
    if status(root).phase != "down":
        raise AlreadyRunning(f"a stack is already running in {layout.root}")
    argv = [sys.executable, "-m", "billing_devstack", "up", "--dir", str(layout.root), *options]
    child = spawn(Command("supervisor", argv, layout.log("supervisor")))
    deadline = time.monotonic() + START_S
    while (now := status(root)).phase != "up" or now.supervisor is None or now.supervisor.pid != child.pid:
        see(now)
        if not child.alive():
            raise StartFailed("the stack", _last_line(layout.log("supervisor")), layout.log("supervisor"))
        if time.monotonic() > deadline:
            child.stop()
            raise StartFailed("the stack", f"not ready after {START_S:.0f} s", layout.log("supervisor"))
        time.sleep(POLL_S)
    see(now)
    return now


def down(root: Path) -> bool:
    """Ends the stack in `root`, or what a killed supervisor left of it. False when there was nothing.

    Raises StackError when the folder is still held afterwards.
    """
    layout = Layout(root.resolve())
    if not layout.root.exists():
        return False
    supervisor = status(root).supervisor
    ended = end(supervisor, grace_s=STOP_S) if supervisor is not None else False
    try:
        with FolderLock(layout.root / "supervisor", wait_s=DYING_S):
            return bool(end_leftovers(layout)) or ended
    except FolderInUse as error:
        raise StackError(f"{layout.root} is still held by a process that its state does not name") from error


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "no word"
