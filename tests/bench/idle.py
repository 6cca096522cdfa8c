"""The whole stack at rest: memory, each shared page once, and how long it takes until everything is ready."""

import time
from collections.abc import Mapping
from pathlib import Path

from billing_devstack.environment import External
from billing_devstack.memory import stack_pss
from billing_devstack.stack import Stack

from tests.bench.figures import Row, row_of

MIB = 1 << 20
FLOOR_MIB, AIM_MIB = 1.2 * 1024, 800.0
READY_AIM_S = 10.0
REST_S = 5.0
STARTS = 3


def memory(root: Path) -> Row:
    """The fullest of a few looks, some seconds after the start."""
    stack, _ = _up(root)
    try:
        looks = []
        for _ in range(STARTS):
            time.sleep(REST_S)
            looks.append(stack_pss(root))
        assert all(part.health in ("ready", "external") for part in stack.status().parts)
    finally:
        stack.down()
    totals = [_mib(sum(look.values())) for look in looks]
    parts = {part: round(_mib(size), 1) for part, size in _sorted(looks[-1])}
    return row_of("idle", totals, floor=FLOOR_MIB, aim=AIM_MIB, unit="MiB PSS", better="lower", figures=parts)


def ready(root: Path) -> Row:
    """From nothing to all parts ready: first with empty data, then warm, as after a restart of the machine."""
    cold_s = _start_s(root)
    warm = [_start_s(root) for _ in range(STARTS)]
    return row_of(
        "ready", warm, aim=READY_AIM_S, unit="s", better="lower", figures={"with empty data s": round(cold_s, 1)}
    )


def _start_s(root: Path) -> float:
    stack, took_s = _up(root)
    stack.down()
    return took_s


def _up(root: Path) -> tuple[Stack, float]:
    began = time.perf_counter()
    stack = Stack.up(root, any_port=True, elsewhere=External())
    return stack, time.perf_counter() - began


def _mib(size: int) -> float:
    return size / MIB


def _sorted(look: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(look.items(), key=lambda part: -part[1])
