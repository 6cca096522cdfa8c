"""Tests of the whole mesh share one stack: with several workers, all of them run on the same one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.e2e.mesh import Mesh, running

ONE_STACK = ("tests/e2e/", "tests/acceptance/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of these are slow ones."""
    for item in items:
        if item.nodeid.startswith(ONE_STACK):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def mesh() -> Iterator[Mesh]:
    """The one stack, started by the first test that asks for it."""
    with running() as mesh:
        yield mesh


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def http(mesh: Mesh) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the edge without a token."""
    async with httpx.AsyncClient(base_url=mesh.rest_url, timeout=30, trust_env=False) as client:
        yield client


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """The scheduler of `--dist loadfile`, for which all tests of the stack are one file; None for any other."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class OneStack(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return ONE_STACK[0] if nodeid.startswith(ONE_STACK) else str(super()._split_scope(nodeid))

    return OneStack(config, log)
