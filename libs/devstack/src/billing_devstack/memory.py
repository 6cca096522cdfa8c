"""How much memory the stack takes, each shared page counted once."""

from __future__ import annotations

from pathlib import Path

import psutil

from billing_devstack import state
from billing_devstack.layout import Layout
from billing_devstack.records import recorded


def stack_pss(root: Path) -> dict[str, int]:
    """Proportional set size in bytes by part, of a running stack in `root`, with all child processes.

    Also `supervisor`, and `forkserver` for the process that the services are forked from. The sum is what the stack
    adds to the machine. Off Linux it is the resident size, which counts shared pages again and again.
    """
    layout = Layout(root.resolve())
    status = state.read(layout.state)
    roots = {part.part: part.pid for part in status.parts if part.pid}
    roots |= {name: identity.pid for name, identity in recorded(layout).items() if identity.alive()}
    if status.supervisor is not None:
        roots["supervisor"] = status.supervisor.pid
    claimed = set(roots.values())
    return {name: _with_children(pid, claimed - {pid}) for name, pid in sorted(roots.items())}


def _with_children(pid: int, others: set[int]) -> int:
    """The process and its descendants, without the branches that are parts themselves."""
    total, waiting = 0, [pid]
    while waiting:
        current = waiting.pop()
        try:
            process = psutil.Process(current)
            full = process.memory_full_info()
            waiting += [child.pid for child in process.children() if child.pid not in others]
        except psutil.Error:
            continue
        total += getattr(full, "pss", full.rss)
    return total
