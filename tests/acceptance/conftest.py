"""One new tenant for all acceptance cases."""

from __future__ import annotations

from uuid import uuid4

import httpx
import pytest

from tests.acceptance.api import Api
from tests.e2e.mesh import Mesh


@pytest.fixture(scope="session")
def api(mesh: Mesh, http: httpx.AsyncClient) -> Api:
    return Api(http, mesh.token(uuid4()))
