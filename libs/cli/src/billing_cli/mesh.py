"""A running stack as a client sees it: its edge, its keys, its databases and the settings of its services."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

from billing_devstack import control, databases, environment, keys
from billing_devstack.environment import Endpoints
from billing_devstack.layout import Layout
from billing_devstack.ports import Port
from billing_devstack.specs import METRICS_SHIFT, SERVICES, ServiceSpec
from billing_devstack.state import StackStatus
from billing_kernel.ids import InvalidId, decode

from billing_cli.errors import BadArgument, CliError, StackIsDown
from billing_cli.rest import RestClient

TENANT_FILE = "tenant"
DEFAULT_DIR = Path(".billing")
ADMIN = "billing_admin"
CUSTOMER = "customer"


@dataclass(frozen=True, slots=True)
class Mesh:
    """A stack that runs in `layout.root`."""

    layout: Layout
    status: StackStatus

    @classmethod
    def of(cls, root: Path) -> "Mesh":
        """Raises StackIsDown."""
        status = control.status(root)
        if status.phase != "up":
            raise StackIsDown(f"no stack is up in {root} (it is {status.phase})", "start one: billing up --detach")
        return cls(Layout(root.resolve()), status)

    @property
    def rest_url(self) -> str:
        """Raises StackIsDown when the stack runs without its edge."""
        if "rest" not in self.status.urls:
            raise StackIsDown("the stack runs without its edge")
        return self.status.urls["rest"]

    @property
    def keys(self) -> keys.Keys:
        return keys.Keys(self.layout.keys)

    def token(self, tenant: UUID, role: str = ADMIN, customer: str | None = None, ttl_s: int = 3600) -> str:
        """A signed token. Raises BadArgument for a wrong role, or a customer that is missing or needless."""
        try:
            customer_id = customer_claim(customer) if customer else None
            return keys.mint_user_token(self.keys, role, tenant, f"cli:{role}", customer_id, ttl_s)
        except ValueError as error:
            raise BadArgument(str(error)) from error

    def client(self, tenant: UUID) -> RestClient:
        return RestClient(self.rest_url, self.token(tenant))

    def tenant(self, given: str | None) -> UUID:
        """The tenant that was named, else the one of the last `billing tenant create`, made now if there is none."""
        if given:
            return tenant_of(given)
        path = self.layout.root / TENANT_FILE
        return tenant_of(path.read_text().strip()) if path.exists() else self.new_tenant()

    def new_tenant(self) -> UUID:
        """A fresh tenant, which later commands take when they name none."""
        made = uuid4()
        (self.layout.root / TENANT_FILE).write_text(f"{made}\n")
        return made

    def database(self, service: str) -> databases.ServiceDatabase:
        """Where the service keeps its rows."""
        dsn = self.status.urls.get("postgres") or os.environ.get("DATABASE_URL", "")
        if not dsn:
            raise CliError("the stack's PostgreSQL runs elsewhere", "set DATABASE_URL as for `billing up`")
        return databases.locate(dsn, service, databases.passwords(self.layout.secrets, service))

    def environment(self, service: str) -> dict[str, str]:
        """The settings of a service of this stack, for a process beside it."""
        spec = service_spec(service)
        ports = self._ports()
        endpoints = Endpoints(ports, self._url("kafka", "KAFKA_BOOTSTRAP_SERVERS"), self._url("redis", "REDIS_URL"))
        base = environment.shared(self.keys, SERVICES, endpoints)
        return environment.of_service(base, spec, self.layout, self.keys, ports, self.database(service))

    def _url(self, name: str, variable: str) -> str:
        return self.status.urls.get(name) or os.environ.get(variable, "")

    def _ports(self) -> Mapping[str, Port]:
        ports = {part.part: Port(part.port, part.preferred) for part in self.status.parts if part.port}
        for spec in SERVICES:
            metrics = self.status.urls.get(f"metrics.{spec.name}", "")
            number = int(metrics.rpartition(":")[2] or 0)
            ports[f"{spec.name}.metrics"] = Port(number, spec.port + METRICS_SHIFT)
        return ports


def service_spec(name: str) -> ServiceSpec:
    """Raises BadArgument for a name that is no service."""
    found = next((spec for spec in SERVICES if spec.name == name), None)
    if found is None:
        raise BadArgument(f"there is no service {name!r}", f"services: {', '.join(spec.name for spec in SERVICES)}")
    return found


def tenant_of(text: str) -> UUID:
    """Raises BadArgument."""
    try:
        return UUID(text)
    except ValueError as error:
        raise BadArgument(f"{text!r} is no tenant: a UUID is one") from error


def customer_claim(text: str) -> str:
    """A customer's id as tokens carry it. Raises BadArgument."""
    try:
        decode("cus", text)
    except InvalidId as error:
        raise BadArgument(f"{text!r} is no customer id: cus_... is one") from error
    return text
