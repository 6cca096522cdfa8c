"""The ways into the one stack, and two tenants with something to protect."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from tests.e2e.mesh import Mesh
from tests.e2e.rows import Ledger, Unmoved
from tests.e2e.ways import Direct, GrpcWeb, Rest, Way
from tests.e2e.world import World, build


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def direct(mesh: Mesh) -> AsyncIterator[Direct]:
    """gRPC to each service itself."""
    way = Direct(mesh.addresses)
    yield way
    await way.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def edge(mesh: Mesh) -> AsyncIterator[Direct]:
    """gRPC through Envoy."""
    way = Direct(dict.fromkeys(mesh.addresses, mesh.edge_address))
    yield way
    await way.close()


@pytest.fixture(scope="session")
def rest(http: httpx.AsyncClient) -> Rest:
    return Rest(http)


@pytest.fixture(scope="session")
def ways(direct: Direct, edge: Direct, rest: Rest, http: httpx.AsyncClient) -> dict[str, Way]:
    """By name: direct, grpc (through Envoy), grpc-web, rest."""
    return {"direct": direct, "grpc": edge, "grpc-web": GrpcWeb(http), "rest": rest}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def ledger(mesh: Mesh) -> AsyncIterator[Ledger]:
    opened = await Ledger.open(mesh)
    yield opened
    await opened.close()


@pytest.fixture
def admin_token(mesh: Mesh) -> str:
    """An administrator of a tenant that is new."""
    return mesh.token(uuid4())


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def world(mesh: Mesh, direct: Direct) -> World:
    return await build(mesh, direct)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def unmoved(ledger: Ledger, world: World) -> Unmoved:
    """Asserts that no database has changed since the first test of the module, or since the last complaint."""
    return Unmoved(ledger, await ledger.settled())
