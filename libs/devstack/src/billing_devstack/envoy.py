"""Envoy from the wheel, on a configuration that somebody else has written."""

from __future__ import annotations

import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from billing_devstack.errors import StackError, StartFailed
from billing_devstack.ports import LOOPBACK
from billing_devstack.process import POLL_S, Child, Command, spawn, wait_ready
from billing_devstack.wheels import find

READY_S = 30.0
VALIDATE_S = 60.0


@dataclass(frozen=True, slots=True)
class Envoy:
    """A running proxy."""

    child: Child

    def stop(self) -> None:
        self.child.stop()


def start(
    config: Path,
    admin_port: int,
    log: Path,
    cwd: Path | None = None,
    on_spawn: Callable[[Child], None] = lambda child: None,
) -> Envoy:
    """Starts Envoy and waits for /ready of its admin listener on `admin_port`. Raises StartFailed.

    `cwd` is the folder that relative paths in the configuration start from; default: the configuration's own.
    `on_spawn` is called before it is ready.
    """
    argv = [binary(), "-c", str(config.resolve()), "--disable-hot-restart", "--concurrency", "1", "-l", "warning"]
    child = spawn(Command("edge", argv, log, cwd=cwd or config.resolve().parent))
    on_spawn(child)
    wait_ready(child, lambda: child.listens(admin_port) and ready(admin_port), READY_S)
    return Envoy(child)


def validate(config: Path, cwd: Path | None = None) -> None:
    """Loads the configuration and all that it names, as Envoy would. Raises StackError with its words."""
    argv = [binary(), "--mode", "validate", "-c", str(config.resolve()), "-l", "warning"]
    folder = cwd or config.resolve().parent
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=VALIDATE_S, check=False)
    if done.returncode:
        raise StackError(f"Envoy refuses {config.name}: {(done.stdout + done.stderr).strip()[-2000:]}")


def binary() -> str:
    """Path of the envoy executable."""
    return str(find("envoy", "_bin/envoy"))


def ready(admin_port: int) -> bool:
    """True when Envoy has loaded its configuration and its listeners are open."""
    return _answers(f"{LOOPBACK}:{admin_port}", "/ready")


def wait_for_routes(address: str, log: Path) -> None:
    """Waits until the edge at `address` finds every service healthy: before, it answers 503. Raises StartFailed."""
    deadline = time.monotonic() + READY_S
    while not _answers(address, "/readyz"):
        if time.monotonic() > deadline:
            raise StartFailed("edge", f"finds no healthy service after {READY_S:.0f} s", log)
        time.sleep(POLL_S)


def _answers(address: str, path: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{address}{path}", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
