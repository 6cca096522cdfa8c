"""grpcurl, as anybody has it, lists and describes every service of every process."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from tests.e2e.contract import contract, rpcs
from tests.e2e.mesh import SERVICES, Mesh

GRPCURL = Path(sys.executable).with_name("grpcurl")
STANDARD = {"grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection", "billing.common.v1.ClockService"}


async def grpcurl(*words: str) -> str:
    child = await asyncio.create_subprocess_exec(GRPCURL, "-plaintext", *words, stdout=-1, stderr=-1)
    out, said = await child.communicate()
    assert child.returncode == 0, said.decode()
    return out.decode()


@pytest.mark.parametrize("service", SERVICES)
async def test_grpcurl_lists_and_describes(service: str, mesh: Mesh):
    address = mesh.addresses[service]
    listed = set((await grpcurl(address, "list")).split())
    wanted = {method.service for method in contract().methods if method.area == service}
    assert wanted | STANDARD <= listed
    described = await asyncio.gather(*(grpcurl(address, "describe", name) for name in sorted(listed)))
    text = "\n".join(described)
    for rpc in rpcs().values():
        assert rpc.area != service or f"rpc {rpc.name} (" in text


@pytest.mark.parametrize("service", SERVICES)
async def test_grpcurl_checks_health(service: str, mesh: Mesh):
    assert "SERVING" in await grpcurl(mesh.addresses[service], "grpc.health.v1.Health/Check")
