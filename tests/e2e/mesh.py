"""The running stack as its clients see it: where it listens, who may sign, what its databases hold."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

from billing_devstack import control, keys
from billing_devstack.environment import External
from billing_devstack.layout import Layout
from billing_devstack.stack import Stack
from billing_devstack.state import StackStatus

SERVICES = ("subscriptions", "usage", "invoicing", "tax", "payments")
RUNNING = "E2E_STACK"
"""Names the folder of a stack that already runs: the tests take that one and leave it running."""


@dataclass(frozen=True, slots=True)
class Mesh:
    """One stack that is up."""

    layout: Layout
    status: StackStatus

    @property
    def rest_url(self) -> str:
        return self.status.urls["rest"]

    @property
    def edge_address(self) -> str:
        return self.rest_url.removeprefix("http://")

    @property
    def addresses(self) -> dict[str, str]:
        """The gRPC address of each service."""
        return {name: self.status.urls[f"grpc.{name}"] for name in SERVICES}

    @property
    def keys(self) -> keys.Keys:
        return keys.Keys(self.layout.keys)

    @property
    def superuser_dsn(self) -> str:
        """No policy binds this one."""
        password = (self.layout.secrets / "postgres").read_text().strip()
        return self.status.urls["postgres"].replace("postgres@", f"postgres:{password}@")

    def token(self, tenant: UUID, role: str = "billing_admin", customer: str | None = None, ttl: int = 3600) -> str:
        return keys.mint_user_token(self.keys, role, tenant, f"e2e-{role}-{uuid4().hex[:8]}", customer, ttl)


@contextmanager
def running() -> Iterator[Mesh]:
    """The stack that E2E_STACK names, else one of our own on free ports, ended and removed afterwards."""
    named = os.environ.get(RUNNING)
    if named:
        yield Mesh(Layout(Path(named).resolve()), control.status(Path(named)))
        return
    import shutil
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="billing-e2e-"))
    stack = None
    try:
        stack = Stack.up(folder, any_port=True, elsewhere=External())
        yield Mesh(stack.layout, stack.status())
    finally:
        if stack is not None:
            stack.down()
        shutil.rmtree(folder, ignore_errors=True)
