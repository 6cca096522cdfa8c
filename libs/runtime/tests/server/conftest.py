"""A small service with every kind of method, its keys and tokens, and a server for it on a free port."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import grpc
import jwt
import psycopg
import pytest
import pytest_asyncio
from billing.common.v1 import access_pb2 as a
from billing_kernel.errors import DomainError, Invalid, Kind, NotFound, Violation
from billing_runtime.call import current_call
from billing_runtime.deadline import remaining_s
from billing_runtime.idempotency import AlreadyAnswered
from billing_runtime.service import Built, Parts, Running, Service, start
from billing_runtime.settings import RuntimeSettings, Secret
from buf.validate import validate_pb2
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

TENANT = UUID("01900000-0000-7000-8000-000000000001")
CUSTOMER = UUID("01900000-0000-7000-8000-000000000002")
ISSUER, AUDIENCE = "https://issuer.test", "billing-api"
PACKAGE = "billing.testing.v1"
SERVICE = f"{PACKAGE}.EchoService"
F = descriptor_pb2.FieldDescriptorProto


def _access(permission: str, mode: int, audience: int = a.AUDIENCE_PUBLIC, **more: bool) -> a.Access:
    return a.Access(permission=permission, audience=audience, rate_class=a.RATE_CLASS_READ, idempotency=mode, **more)


READ = _access("echo.read", a.IDEMPOTENCY_MODE_NONE, customer=True)
WRITE = _access("echo.write", a.IDEMPOTENCY_MODE_KEY, audit=True)
PAY = _access("echo.run", a.IDEMPOTENCY_MODE_KEY, key_required=True)
INSIDE = _access("echo.read", a.IDEMPOTENCY_MODE_NONE, a.AUDIENCE_INTERNAL)
METHODS = {"Get": READ, "Watch": READ, "Create": WRITE, "Pay": PAY, "Inside": INSIDE}


def _field(
    message: Any, name: str, kind: int, *, repeated: bool = False, type_name: str = "", rule: Any = None
) -> None:
    made = message.field.add(name=name, number=len(message.field) + 1, type=kind, type_name=type_name or None)
    made.label = F.LABEL_REPEATED if repeated else F.LABEL_OPTIONAL
    if rule is not None:
        made.options.Extensions[validate_pb2.field].CopyFrom(rule)


def file_of(methods: dict[str, a.Access | None], name: str = "echo") -> descriptor_pb2.FileDescriptorProto:
    """A file with a service of these methods; package and messages are named after `name`."""
    package = PACKAGE if name == "echo" else f"billing.{name}.v1"
    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3")
    file.dependency.extend(["billing/common/v1/access.proto", "buf/validate/validate.proto"])
    color = file.enum_type.add(name="Color")
    color.value.add(name="COLOR_UNSPECIFIED", number=0)
    color.value.add(name="COLOR_RED", number=1)
    item = file.message_type.add(name="Item")
    _field(item, "name", F.TYPE_STRING, rule=validate_pb2.FieldRules(string=validate_pb2.StringRules(min_len=1)))
    request = file.message_type.add(name="Request")
    _field(request, "text", F.TYPE_STRING, rule=validate_pb2.FieldRules(string=validate_pb2.StringRules(max_len=20)))
    _field(request, "color", F.TYPE_ENUM, type_name=f".{package}.Color")
    _field(request, "items", F.TYPE_MESSAGE, repeated=True, type_name=f".{package}.Item")
    exempt = validate_pb2.FieldRules(ignore=validate_pb2.IGNORE_ALWAYS)
    _field(request, "batch", F.TYPE_MESSAGE, repeated=True, type_name=f".{package}.Item", rule=exempt)
    _field(request, "nested", F.TYPE_MESSAGE, type_name=f".{package}.Request")
    entry = request.nested_type.add(name="LabelsEntry")
    entry.options.map_entry = True
    _field(entry, "key", F.TYPE_STRING)
    _field(entry, "value", F.TYPE_STRING)
    _field(request, "labels", F.TYPE_MESSAGE, repeated=True, type_name=f".{package}.Request.LabelsEntry")
    answer = file.message_type.add(name="Response")
    _field(answer, "text", F.TYPE_STRING)
    service = file.service.add(name="EchoService")
    for method, access in methods.items():
        made = service.method.add(name=method, input_type=f".{package}.Request", output_type=f".{package}.Response")
        made.server_streaming = method == "Watch"
        if access is not None:
            made.options.Extensions[a.access].CopyFrom(access)
    return file


def messages_of(file: descriptor_pb2.FileDescriptorProto) -> SimpleNamespace:
    """The message classes of a file, which is added to the default pool."""
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    made = {
        message.name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{file.package}.{message.name}"))
        for message in file.message_type
    }
    return SimpleNamespace(**made)


class Refused(DomainError):
    kind = Kind.PRECONDITION
    reason = "ECHO_REFUSED"


@dataclass
class Echo:
    """Answers what it sees; a few texts make it misbehave. `seen` keeps the calls that reached it."""

    m: SimpleNamespace
    seen: list[Any] = field(default_factory=list)
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: Any, context: Any) -> Any:
        self.seen.append(current_call())
        if request.text == "wait":
            self.entered.set()
            await self.gate.wait()
        await _misbehave(request.text, context)
        return self.m.Response(text=request.text or f"{remaining_s():.0f}")

    async def watch(self, request: Any, context: Any) -> AsyncIterator[Any]:
        for index in range(3):
            if request.text == "late" and index == 2:
                raise NotFound("gone")
            yield self.m.Response(text=f"{request.text}{index}")

    def add(self, server: grpc.aio.Server) -> None:
        handlers = {name: grpc.unary_unary_rpc_method_handler(self.answer) for name in METHODS}
        handlers["Watch"] = grpc.unary_stream_rpc_method_handler(self.watch)
        server.add_registered_method_handlers(SERVICE, handlers)


async def _misbehave(text: str, context: Any) -> None:
    if text == "bug":
        raise ValueError("postgresql://app:hunter2@db/secret")
    if text == "range":
        raise psycopg.errors.NumericValueOutOfRange("integer out of range: table accounts")
    if text == "refuse":
        raise Refused("not now", facts={"state": "closed"}, violations=[Violation("text", "is refused", "echo.text")])
    if text == "invalid":
        raise Invalid("no")
    if text == "replay":
        raise AlreadyAnswered(b"\x0a\x05first")
    if text == "abort":
        await context.abort(grpc.StatusCode.DATA_LOSS, "by hand")


@dataclass(frozen=True)
class Ring:
    """The keys of the test's world, and tokens made with them."""

    folder: Path
    user: rsa.RSAPrivateKey
    peers: dict[str, ec.EllipticCurvePrivateKey]

    def settings(self, **changes: Any) -> RuntimeSettings:
        base: dict[str, Any] = {
            "database_url": Secret("postgresql://nobody:nothing@127.0.0.1:1/none"),
            "grpc_address": "127.0.0.1:0",
            "user_jwks": str(self.folder / "users.json"),
            "user_issuer": ISSUER,
            "user_audience": AUDIENCE,
            "service_jwks": str(self.folder / "services.json"),
            "service_key": str(self.folder / "caller.pem"),
            "drain_notice_s": 0.0,
            "drain_s": 5.0,
        }
        return RuntimeSettings(**(base | changes))

    def user_claims(self, **changes: Any) -> dict[str, Any]:
        now = int(time.time())
        base = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "iat": now, "exp": now + 600}
        claims = base | {"tenant": str(TENANT), "role": "billing_admin"} | changes
        return {name: value for name, value in claims.items() if value is not None}

    def user_token(self, headers: dict[str, Any] | None = None, **changes: Any) -> str:
        return jwt.encode(self.user_claims(**changes), self.user, "RS256", headers or {"kid": "users.1"})

    def peer_token(self, headers: dict[str, Any] | None = None, key: str = "caller", **changes: Any) -> str:
        now = int(time.time())
        base = {"iss": "caller", "sub": "caller", "aud": "tax", "iat": now, "exp": now + 300, "tenant": str(TENANT)}
        claims = base | {"act": "user:alice", "cause": "event-1"} | changes
        given = {"kid": "caller.1", "typ": "service+jwt"} | (headers or {})
        return jwt.encode({k: v for k, v in claims.items() if v is not None}, self.peers[key], "ES256", given)


@pytest.fixture(scope="session")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Ring:
    folder = tmp_path_factory.mktemp("keys")
    user = rsa.generate_private_key(65537, 2048)
    peers = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("caller", "tax", "stranger")}
    users = [RSAAlgorithm.to_jwk(user.public_key(), as_dict=True) | {"kid": "users.1"}]
    services = [
        ECAlgorithm.to_jwk(peers[name].public_key(), as_dict=True) | {"kid": f"{name}.1"} for name in ("caller", "tax")
    ]
    (folder / "users.json").write_text(json.dumps({"keys": users}))
    (folder / "services.json").write_text(json.dumps({"keys": services}))
    pem = peers["caller"].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "caller.pem").write_bytes(pem)
    return Ring(folder, user, peers)


@pytest.fixture(scope="session")
def m() -> SimpleNamespace:
    """The message classes of the echo service."""
    return messages_of(file_of(dict(METHODS)))


@pytest.fixture(scope="session")
def contract() -> SimpleNamespace:
    """The makers of further contracts, and the constants of this one."""
    return SimpleNamespace(
        file_of=file_of,
        messages_of=messages_of,
        Echo=Echo,
        service=SERVICE,
        tenant=TENANT,
        customer=CUSTOMER,
        read=READ,
    )


class NoDatabase:
    """Stands where a database would; a server without handlers that need one never notices."""

    rehydrate: Any = None
    engine: Any = None

    async def close(self) -> None:
        """Nothing is open."""


@dataclass
class World:
    """A running service and a plain client of it."""

    echo: Echo
    running: Running
    channel: grpc.aio.Channel
    m: SimpleNamespace

    def path(self, method: str) -> str:
        return f"/{SERVICE}/{method}"

    async def raw(self, method: str, body: bytes, *metadata: tuple[str, str], timeout: float | None = 5) -> bytes:
        call = self.channel.unary_unary(self.path(method))
        return await call(body, metadata=metadata, timeout=timeout)

    async def ask(
        self, method: str, token: str, *metadata: tuple[str, str], timeout: float | None = 5, **kw: Any
    ) -> Any:
        body = self.m.Request(**kw).SerializeToString()
        bearer = ("authorization", f"Bearer {token}")
        return self.m.Response.FromString(await self.raw(method, body, bearer, *metadata, timeout=timeout))


@pytest_asyncio.fixture
async def open_world(ring: Ring, m: SimpleNamespace) -> AsyncIterator[Callable[..., Any]]:
    """Makes a world with the given settings; it is stopped after the test."""
    worlds: list[World] = []

    async def make(**changes: Any) -> World:
        echo = Echo(m)

        def build(_parts: Parts) -> Built:
            return Built(echo.add, (SERVICE,))

        running = await start(Service("tax", "none", ring.settings(**changes), build), database=NoDatabase())
        channel = grpc.aio.insecure_channel(f"127.0.0.1:{running.port}")
        worlds.append(World(echo, running, channel, m))
        return worlds[-1]

    yield make
    for world in worlds:
        world.echo.gate.set()
        await world.channel.close()
        await world.running.stop()


@pytest_asyncio.fixture
async def world(open_world: Callable[..., Any]) -> World:
    return await open_world()
