"""A service of the stack, composed once more in this process beside the running one: its database, rules, consumers.

For operators' commands alone. Nothing is served and no job runs here.
"""

import importlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import ModuleType

from billing_runtime.channel import Channels
from billing_runtime.consumer import Consumer
from billing_runtime.database import Database
from billing_runtime.service import Parts, Service

from billing_cli.errors import CliError
from billing_cli.mesh import Mesh, service_spec

POOL = 4


@dataclass(frozen=True, slots=True)
class Inside:
    """`rules` are the service's invariants: name -> query for the rows that break it."""

    name: str
    database: Database
    consumers: Sequence[Consumer]
    rules: Mapping[str, str]


@asynccontextmanager
async def inside(mesh: Mesh, name: str) -> AsyncIterator[Inside]:
    """Opens the service's database and composes its consumers. Raises BadArgument, CliError."""
    env = mesh.environment(name)
    database = Database.open(env["DATABASE_URL"], POOL)
    service = _service(name, env)
    channels = Channels(service.settings, env)
    try:
        built = service.build(Parts(service.settings, database, channels, env))
        try:
            yield Inside(name, database, built.consumers, _module(name, "storage.invariants").INVARIANTS)
        finally:
            if built.close is not None:
                await built.close()
    finally:
        await channels.close()
        await database.close()


def _service(name: str, env: Mapping[str, str]) -> Service:
    """Services with settings of their own take them as a second argument."""
    settings = _module(name, "config").read_settings(env)
    made = _module(name, "main").service(*(settings if isinstance(settings, tuple) else (settings,)))
    assert isinstance(made, Service), "a service is a value"
    return made


def _module(service: str, leaf: str) -> ModuleType:
    name = f"{service_spec(service).module}.{leaf}"
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise CliError(f"{name} is not installed here") from error
