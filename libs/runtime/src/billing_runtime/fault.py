"""Places where a test may kill this process: a no-op unless FAULT_POINT=<name>[:n] is in the environment."""

import os
import signal

_ARMED, _, _COUNT = os.environ.get("FAULT_POINT", "").partition(":")
_left = int(_COUNT or 1)


def failpoint(name: str) -> None:
    """Kills this process with SIGKILL when `name` is armed and this is its n-th pass (n is 1 unless given)."""
    if _ARMED and name == _ARMED:
        _strike()


def _strike() -> None:
    global _left
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
