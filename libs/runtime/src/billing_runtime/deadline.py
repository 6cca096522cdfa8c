"""How long the work at hand may still take: set by the server, inherited by every outgoing call."""

import time
from contextvars import ContextVar

_DEADLINE_S: ContextVar[float | None] = ContextVar("billing_deadline", default=None)


def set_remaining(seconds: float) -> None:
    """The work of this task must end within `seconds` from now."""
    _DEADLINE_S.set(time.monotonic() + seconds)


def remaining_s() -> float | None:
    """Seconds left, never below 0; None when nothing limits this task."""
    deadline_s = _DEADLINE_S.get()
    return None if deadline_s is None else max(0.0, deadline_s - time.monotonic())
