"""Services as separate processes, one a role, on real data parts: what the bench measures and the crash tests kill."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import UUID

from billing_devstack import environment, envoy, keys, ports
from billing_devstack.databases import ServiceDatabase, passwords, provision
from billing_devstack.environment import Endpoints, External
from billing_devstack.health import GrpcHealth
from billing_devstack.layout import Layout
from billing_devstack.ports import Port
from billing_devstack.postgres import superuser_dsn
from billing_devstack.process import Child, Command, spawn, wait_ready
from billing_devstack.specs import SERVICES, EdgeSpec, ServiceSpec
from billing_devstack.stack import Stack

READY_S = 60.0
MIGRATE_S = 120.0


class Fleet:
    """Data parts under a supervisor; databases provisioned and migrated; processes of services by `run`.

    `with Fleet(root, parts, services) as fleet:` ends all that it started. Calls block.
    """

    def __init__(
        self,
        root: Path,
        parts: Sequence[str] = ("postgres", "kafka"),
        services: Sequence[str] = keys.SERVICES,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.specs = {spec.name: spec for spec in SERVICES if spec.name in services}
        self.stack = Stack.up(root, parts, (), None, any_port=True, elsewhere=External())
        self.layout = Layout(root.resolve())
        self.children: list[Child] = []
        self._settings = dict(settings or {})
        self._ports = _service_ports(list(self.specs.values()))
        self.keys = keys.ensure(self.layout.keys, keys.SERVICES)
        self.databases = {name: self._database(name) for name in self.specs}
        try:
            self._migrate()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends every process, then the data parts. Safe to call twice."""
        while self.children:
            self.children.pop().kill()
        self.stack.down()

    @property
    def superuser_dsn(self) -> str:
        return superuser_dsn(self.layout.postgres, self.stack.status().part("postgres").port)

    @property
    def bootstrap_servers(self) -> str:
        """Empty without a bus."""
        return self.stack.status().urls.get("kafka", "")

    def owner_dsn(self, service: str) -> str:
        """The superuser's URL of the service's database: sees every tenant."""
        return self.superuser_dsn.rpartition("/")[0] + f"/{self.databases[service].name}"

    def address(self, service: str) -> str:
        """Where the role `serve` (or `all`) of the service listens."""
        return self._ports[service].address

    def token(self, tenant: UUID, role: str = "billing_admin") -> str:
        return keys.mint_user_token(self.keys, role, tenant, "alice")

    def run(self, service: str, role: str = "serve", *, fault: str = "", ready: bool = True) -> Child:
        """Starts one role; `fault` arms a fault point. Waits until it is healthy unless `ready` is False."""
        own = self.environment(service, role)
        if fault:
            own["FAULT_POINT"] = fault
        spec = self.specs[service]
        child = spawn(Command(f"{service}-{role}", spec.argv(role), self.layout.log(f"{service}-{role}"), own))
        self.children.append(child)
        if ready:
            wait_ready(child, GrpcHealth(own["GRPC_ADDRESS"]), READY_S, 0.05)
        return child

    def edge(self) -> str:
        """Starts Envoy in front of the fleet; its address. Without a rate limit that a test could meet."""
        known = ports.choose_all({"edge": 0, "edge.admin": 0})
        base = {**self.environment(next(iter(self.specs))), "EDGE_TENANT_RATE_PER_S": "1000000"}
        own = environment.of_edge(base, known)
        folder, spec = self.layout.edge, EdgeSpec()
        folder.mkdir(parents=True, exist_ok=True)
        log = self.layout.log("edge")
        if spawn(Command("edge-render", spec.argv("render", "--out", str(folder)), log, own)).wait(MIGRATE_S):
            raise RuntimeError(f"the edge's configuration cannot be rendered, see {log}")
        self.children.append(envoy.start(folder / spec.config_name, known["edge.admin"].number, log).child)
        return known["edge"].address

    def end(self, child: Child) -> int:
        """Asks the process to stop and waits; its exit code."""
        if child in self.children:
            self.children.remove(child)
        return child.stop()

    def environment(self, service: str, role: str = "serve") -> dict[str, str]:
        """The complete environment of a process. Roles that serve nobody get a port of their own."""
        known = dict(self._ports)
        if role not in ("serve", "all"):
            known |= _service_ports([self.specs[service]])
        endpoints = Endpoints(known, self.bootstrap_servers, self.stack.status().urls.get("redis", ""))
        shared = environment.shared(self.keys, list(self.specs.values()), endpoints)
        addresses = {f"{spec.name.upper()}_ADDRESS": "127.0.0.1:9" for spec in SERVICES}  # nobody: not in this fleet
        addresses |= {f"{name.upper()}_ADDRESS": self.address(name) for name in self.specs}
        own = environment.of_service(
            {**shared, **addresses}, self.specs[service], self.layout, self.keys, known, self.databases[service]
        )
        return {**own, **self._settings}

    def _database(self, service: str) -> ServiceDatabase:
        return provision(self.superuser_dsn, service, passwords(self.layout.secrets, service))

    def _migrate(self) -> None:
        running = [self._migration(service) for service in self.specs]
        for service, child in running:
            if child.wait(MIGRATE_S):
                raise RuntimeError(f"{service}: migrations failed, see {child.command.log}")

    def _migration(self, service: str) -> tuple[str, Child]:
        spec, log = self.specs[service], self.layout.log(f"{service}-migrate")
        return service, spawn(Command(f"{service}-migrate", spec.argv("migrate"), log, self.environment(service)))


def _service_ports(specs: Sequence[ServiceSpec]) -> dict[str, Port]:
    names = [name for spec in specs for name in (spec.name, f"{spec.name}.metrics")]
    return ports.choose_all(dict.fromkeys(names, 0))
