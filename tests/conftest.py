"""Tests of the whole mesh share one stack: with several workers, all of them run on the same one."""

from __future__ import annotations

from typing import Any

import pytest

ONE_STACK = "tests/e2e/"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """The scheduler of `--dist loadfile`, for which tests/e2e is one file; None for any other."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class OneStack(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return ONE_STACK if nodeid.startswith(ONE_STACK) else str(super()._split_scope(nodeid))

    return OneStack(config, log)
