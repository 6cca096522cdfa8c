"""The services and the edge as supervised units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from billing_devstack import envoy
from billing_devstack.errors import StartFailed
from billing_devstack.forking import ForkServer
from billing_devstack.layout import Layout
from billing_devstack.ports import Port
from billing_devstack.process import Child, Command, spawn, wait_ready
from billing_devstack.records import forget, record
from billing_devstack.specs import EdgeSpec, ServiceSpec
from billing_devstack.state import Board
from billing_devstack.unit import Unit

SERVICE_READY_S = 60.0
MIGRATE_S = 120.0
RENDER_S = 60.0
POLL_S = 0.1
NEEDS_OWN_IMPORTS = ("FAULT_POINT",)
"""Settings that are read at import: a process that has one is not forked from one that has not."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A child whose note lives as long as it does."""

    child: Child
    layout: Layout

    def stop(self) -> None:
        self.child.stop()
        forget(self.layout, self.child)


class Mesh:
    """Starts what is ours, forked from the process that has imported it all when that works."""

    def __init__(self, layout: Layout, board: Board, ports: Mapping[str, Port]) -> None:
        self._layout = layout
        self._board = board
        self._ports = ports
        self._forks: Recorded | None = None
        self._server: ForkServer | None = None

    def preload(self, services: Sequence[ServiceSpec], environment: Mapping[str, str]) -> None:
        """Starts the process that the services are forked from; its imports go on in the background."""
        modules = ["billing_runtime.service", *(f"{spec.module}.main" for spec in services)]
        self._server = ForkServer(modules, self._layout.log("forkserver"), environment)
        self._forks = Recorded(self._server.child, self._layout)
        record(self._layout, self._server.child)

    def close(self) -> None:
        if self._server is not None:
            self._server.stop()
        if self._forks is not None:
            self._forks.stop()

    def migrate(self, spec: ServiceSpec, environment: Mapping[str, str]) -> None:
        """Brings the service's database up to date. Raises StartFailed."""
        command = Command(f"{spec.name}-migrate", spec.argv("migrate"), self._layout.log(spec.name), environment)
        code = self._run(command, spec.module, "migrate").wait(MIGRATE_S)
        if code:
            raise StartFailed(f"{spec.name} migrate", f"ended with code {code}", command.log)

    def service_unit(self, spec: ServiceSpec, environment: Mapping[str, str]) -> Unit:
        port = self._ports[spec.name].number
        healthy = spec.health(self._ports[spec.name].address)
        command = Command(spec.name, spec.argv("all"), self._layout.log(spec.name), environment)

        def start() -> Recorded:
            child = self._run(command, spec.module, "all")
            record(self._layout, child)
            wait_ready(child, lambda: child.listens(port) and healthy(), SERVICE_READY_S, POLL_S)
            return Recorded(child, self._layout)

        return Unit(spec.name, self._board, command.log, start, healthy)

    def edge_unit(self, spec: EdgeSpec, environment: Mapping[str, str]) -> Unit:
        admin, log = self._ports["edge.admin"].number, self._layout.log("edge")

        def start() -> Recorded:
            config = self._render(spec, environment, log)
            child = envoy.start(config, admin, log, on_spawn=lambda child: record(self._layout, child)).child
            return Recorded(child, self._layout)

        return Unit("edge", self._board, log, start, lambda: envoy.ready(admin))

    def _render(self, spec: EdgeSpec, environment: Mapping[str, str], log: Path) -> Path:
        folder = self._layout.edge.resolve()
        folder.mkdir(parents=True, exist_ok=True)
        command = Command("edge-render", spec.argv("render", "--out", str(folder)), log, environment)
        code = self._run(command, spec.module, "render", "--out", str(folder)).wait(RENDER_S)
        config = folder / spec.config_name
        if code or not config.exists():
            raise StartFailed("edge", f"rendering its configuration ended with code {code}", log)
        return config

    def _run(self, command: Command, module: str, *words: str) -> Child:
        own = any(name in command.environment for name in NEEDS_OWN_IMPORTS)
        if self._server is not None and not own and self._server.usable():
            return self._server.fork(command, module, words)
        return spawn(command)
