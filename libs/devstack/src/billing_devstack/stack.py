"""The whole stack under one supervisor: `Stack.up` starts it, `down` ends it, in between crashed parts come back."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from billing_devstack import environment, envoy, keys, ports, state
from billing_devstack.databases import ServiceDatabase
from billing_devstack.environment import Endpoints, External
from billing_devstack.errors import FolderInUse, StackError
from billing_devstack.folder import FolderLock
from billing_devstack.kafka import Kind
from billing_devstack.kafka_jars import Progress
from billing_devstack.layout import Layout
from billing_devstack.mesh import Mesh
from billing_devstack.parts import DEFAULT_PORTS, DataParts
from billing_devstack.ports import Port
from billing_devstack.process import Identity, start_mark
from billing_devstack.records import end_leftovers
from billing_devstack.specs import (
    EDGE_ADMIN_PORT,
    EDGE_PORT,
    METRICS_SHIFT,
    SERVICES,
    EdgeSpec,
    ServiceSpec,
)
from billing_devstack.state import Board, StackStatus, Watch
from billing_devstack.unit import Unit

PARTS = ("postgres", "valkey", "kafka")
DYING_S = 5.0
"""A process that was just killed holds its locks for a moment longer."""


class AlreadyRunning(StackError):
    """Another supervisor holds this folder."""


class Interrupted(StackError):
    """The start was given up because somebody asked for it."""


class Stack:
    """A running stack. Make it with `up`."""

    def __init__(self, layout: Layout, lock: FolderLock, board: Board) -> None:
        self.layout = layout
        self._lock = lock
        self._board = board
        self._units: dict[str, Unit] = {}
        self._mesh: Mesh | None = None
        self._ending = threading.Lock()

    @classmethod
    def up(
        cls,
        root: Path,
        parts: Sequence[str] = PARTS,
        services: Sequence[ServiceSpec] = SERVICES,
        edge: EdgeSpec | None = EdgeSpec(),  # noqa: B008  # frozen
        *,
        broker: Kind = "kafka",
        any_port: bool = False,
        elsewhere: External | None = None,
        on_event: Watch = lambda part: None,
        on_progress: Progress | None = None,
        interrupted: Callable[[], bool] = lambda: False,
    ) -> Stack:
        """Starts parts, services and edge in `root` and returns when all are ready; undoes everything if one fails.

        First ends what an earlier, killed supervisor of this folder left. `elsewhere` (default: from the caller's
        environment) names parts that are not started here. `any_port` leaves the default ports alone.
        `interrupted` is asked during the start.
        Raises AlreadyRunning, Interrupted, StackError.
        """
        layout = Layout(root.resolve())
        lock = _hold(layout)
        end_leftovers(layout)
        me = Identity(os.getpid(), start_mark(os.getpid()) or "")
        stack = cls(layout, lock, Board(layout.state, me, on_event))
        try:
            found = elsewhere or environment.external(os.environ)
            wanted = _preferred(parts, services, edge)
            free = ports.choose_all(dict.fromkeys(wanted, 0) if any_port else wanted)
            start = _Start(stack, parts, services, edge, found, free)
            start.run(broker, on_progress, interrupted)
        except BaseException:
            stack.down()
            raise
        stack._board.enter("up")
        return stack

    def status(self) -> StackStatus:
        return self._board.status()

    def unit(self, name: str) -> Unit:
        """A part by its name. Raises KeyError."""
        return self._units[name]

    def down(self) -> None:
        """Ends everything, callers before what they call, and frees the folder. Safe to call twice."""
        with self._ending:
            if not self._lock.held:
                return
            self._board.enter("stopping")
            for names in self._stop_order():
                with ThreadPoolExecutor(len(names)) as pool:
                    list(pool.map(lambda name: self._units[name].stop(), names))
            if self._mesh is not None:
                self._mesh.close()
            end_leftovers(self.layout)
            self._board.enter("down")
            self._lock.release()

    def _stop_order(self) -> list[list[str]]:
        first = [name for name in ("edge",) if name in self._units]
        data = [name for name in PARTS if name in self._units]
        middle = [name for name in list(self._units) if name not in (*first, *data)]
        late = [name for name in data if name != "postgres"]
        return [names for names in (first, middle, late, [name for name in data if name == "postgres"]) if names]


class _Start:
    """One start: what depends on what, everything else at once."""

    def __init__(
        self,
        stack: Stack,
        parts: Sequence[str],
        services: Sequence[ServiceSpec],
        edge: EdgeSpec | None,
        elsewhere: External,
        free: Mapping[str, Port],
    ) -> None:
        self._stack = stack
        self._board = stack._board
        self._services = services
        self._edge = edge
        self._ports = free
        self._keys = keys.ensure(stack.layout.keys, [spec.name for spec in services] or keys.SERVICES)
        self._data = DataParts(stack.layout, self._board, self._ports, elsewhere)
        self._parts = [part for part in parts if self._data.runs_here(part)]
        self._mesh = stack._mesh = Mesh(stack.layout, self._board, self._ports)
        self._environment = self._shared()
        for name, port in self._ports.items():
            if "." not in name and (name not in PARTS or name in self._parts):
                self._board.change(name, port=port.number, preferred=port.preferred)

    def run(self, broker: Kind, on_progress: Progress | None, interrupted: Callable[[], bool]) -> None:
        self._data.broker = broker
        self._board.enter("starting")
        pool = ThreadPoolExecutor(len(self._services) + 8)
        try:
            _finish(self._submit(pool, on_progress), interrupted)
            if self._edge is not None and self._services:
                envoy.wait_for_routes(self._ports["edge"].address, self._stack.layout.log("edge"))
        except BaseException:
            end_leftovers(self._stack.layout)  # so that whoever waits for them gives up
            raise
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        self._board.publish_urls(self._urls())

    def _submit(self, pool: ThreadPoolExecutor, on_progress: Progress | None) -> list[Future[Any]]:
        if self._services or self._edge:
            self._mesh.preload(self._services, self._environment)
        bus = pool.submit(self._start_bus, on_progress)
        databases = pool.submit(self._start_postgres)
        others = [pool.submit(self._start_valkey), pool.submit(self._start_edge)]
        services = [pool.submit(self._start_service, spec, databases, bus) for spec in self._services]
        return [bus, databases, *others, *services]

    def _start_postgres(self) -> dict[str, ServiceDatabase]:
        if "postgres" in self._parts:
            self._begin(self._data.postgres_unit())
        wanted = [spec.name for spec in self._services if spec.migrates]
        return self._data.databases(wanted) if wanted else {}

    def _start_valkey(self) -> None:
        if "valkey" in self._parts:
            self._begin(self._data.valkey_unit())

    def _start_bus(self, on_progress: Progress | None) -> None:
        if "kafka" in self._parts:
            self._begin(
                Unit(
                    "kafka",
                    self._board,
                    self._data.kafka_log(),
                    start=lambda: self._data.start_broker(on_progress),
                    healthy=lambda: ports.listening(self._ports["kafka"].number),
                    after_restart=self._bus_is_back,
                )
            )
        if self._data.kafka_bootstrap_servers:
            self._data.settle_topics()

    def _bus_is_back(self) -> None:
        """A broker that forgot everything leaves its clients hanging: they start afresh."""
        self._data.settle_topics()
        if self._data.broker == "lite":
            for spec in self._services:
                self._stack._units[spec.name].restart()

    def _start_service(
        self, spec: ServiceSpec, databases: Future[dict[str, ServiceDatabase]], bus: Future[None]
    ) -> None:
        database = databases.result().get(spec.name)
        own = environment.of_service(self._environment, spec, self._stack.layout, self._keys, self._ports, database)
        unit = self._mesh.service_unit(spec, own)
        if spec.migrates:
            self._board.change(spec.name, note="migrating")
            self._mesh.migrate(spec, own)
        self._board.change(spec.name, note="waiting for the bus")
        bus.result()
        self._begin(unit)

    def _start_edge(self) -> None:
        if self._edge is None:
            return
        own = environment.of_edge(self._environment, self._ports)
        self._begin(self._mesh.edge_unit(self._edge, own))

    def _begin(self, unit: Unit) -> None:
        self._stack._units[unit.name] = unit
        unit.begin()

    def _shared(self) -> dict[str, str]:
        endpoints = Endpoints(self._ports, self._data.kafka_bootstrap_servers, self._data.redis_url)
        return environment.shared(self._keys, self._services, endpoints)

    def _urls(self) -> dict[str, str]:
        urls = {f"grpc.{spec.name}": self._ports[spec.name].address for spec in self._services}
        urls |= {f"metrics.{spec.name}": self._ports[f"{spec.name}.metrics"].address for spec in self._services}
        if self._edge is not None:
            urls |= {
                "rest": f"http://{self._ports['edge'].address}",
                "admin": f"http://{self._ports['edge.admin'].address}",
            }
        if "kafka" in self._parts:
            urls["kafka"] = self._data.kafka_bootstrap_servers
        if "valkey" in self._parts:
            urls["redis"] = self._data.redis_url
        if "postgres" in self._parts:
            urls["postgres"] = f"postgresql://postgres@{self._ports['postgres'].address}/postgres"
        return urls


def _preferred(parts: Sequence[str], services: Sequence[ServiceSpec], edge: EdgeSpec | None) -> Mapping[str, int]:
    wanted = {name: port for name, port in DEFAULT_PORTS.items() if name.partition(".")[0] in parts}
    for spec in services:
        wanted[spec.name] = spec.port
        wanted[f"{spec.name}.metrics"] = spec.port + METRICS_SHIFT if spec.port else 0
    if edge is not None:
        wanted |= {"edge": EDGE_PORT, "edge.admin": EDGE_ADMIN_PORT}
    return wanted


def _hold(layout: Layout) -> FolderLock:
    layout.root.mkdir(parents=True, exist_ok=True)
    patience_s = 0.0 if state.read(layout.state).supervisor else DYING_S
    try:
        return FolderLock(layout.root / "supervisor", wait_s=patience_s)
    except FolderInUse as error:
        raise AlreadyRunning(f"a stack is already running in {layout.root}") from error


def _finish(futures: Sequence[Future[Any]], interrupted: Callable[[], bool]) -> None:
    """Waits for all; raises the first error as it comes."""
    pending = set(futures)
    while pending:
        done, pending = wait(pending, timeout=0.1, return_when=FIRST_EXCEPTION)
        for future in done:
            future.result()
        if interrupted():
            raise Interrupted("the start was interrupted")
