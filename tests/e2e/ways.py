"""The ways in: gRPC straight to a service, gRPC and gRPC-web through the edge, REST. One call, one `Answer`."""

from __future__ import annotations

import base64
import struct
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import unquote
from uuid import uuid4

import grpc
import httpx

from tests.e2e import answers
from tests.e2e.answers import CODES, Answer, Refused
from tests.e2e.contract import Json, Rpc, rpc

DEADLINE_S = 20.0
TRAILERS = 0x80
Headers = Mapping[str, str]


class Way(Protocol):
    """Sends one request. `headers` are added as they are (metadata over gRPC)."""

    async def answer(self, name: str, request: Json, headers: Headers) -> Answer: ...


class Direct:
    """gRPC; `addresses` by area: the service itself, or the edge for all."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        limits = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
        made = {each: grpc.aio.insecure_channel(each, limits) for each in set(addresses.values())}
        self._channels = {area: made[address] for area, address in addresses.items()}

    async def answer(self, name: str, request: Json, headers: Headers) -> Answer:
        return await self.send(rpc(name), rpc(name).encode(request), headers)

    async def send(self, called: Rpc, raw: bytes, headers: Headers) -> Answer:
        return await self.bytes(called.area, called.path, raw, headers, called)

    async def bytes(self, area: str, path: str, raw: bytes, headers: Headers, called: Rpc | None = None) -> Answer:
        """Sends bytes as they are to any path."""
        call: Any = self._channels[area].unary_unary(path)
        try:
            answered: bytes = await call(raw, metadata=tuple(headers.items()), timeout=DEADLINE_S)
        except grpc.aio.AioRpcError as error:
            return answers.of_error(error)
        body = called.decode(answered) if called else {}
        return Answer(grpc.StatusCode.OK, body=body, raw=answered)

    async def close(self) -> None:
        for channel in set(self._channels.values()):
            await channel.close()


class Rest:
    """JSON over HTTP/1.1."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def answer(self, name: str, request: Json, headers: Headers) -> Answer:
        called = rpc(name)
        verb, path, query, body = called.rest(request)
        if called.binding.body not in ("", "*"):
            part = request[called.binding.body]
            given = {**headers, "content-type": part["content_type"]}
            return await self.send(verb, path, given, content=base64.b64decode(part["data"]))
        return await self.send(verb, path, headers, params=query, json=body)

    async def send(self, verb: str, path: str, headers: Headers, **content: object) -> Answer:
        given = {name: value for name, value in content.items() if value is not None}
        response = await self.http.request(verb, path, headers=dict(headers), **given)  # type: ignore[arg-type]
        return answers.of_response(response)


class GrpcWeb:
    """Binary gRPC-web over HTTP/1.1, as a browser sends it."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def answer(self, name: str, request: Json, headers: Headers) -> Answer:
        raw = rpc(name).encode(request)
        sent = {**headers, "content-type": "application/grpc-web+proto", "x-grpc-web": "1"}
        response = await self._http.post(rpc(name).path, content=struct.pack(">BI", 0, len(raw)) + raw, headers=sent)
        trailers: dict[str, str] = {key: value for key, value in response.headers.items() if key.startswith("grpc-")}
        message = b""
        for flag, frame in _frames(response.content):
            if flag & TRAILERS:
                trailers |= dict(line.split(":", 1) for line in frame.decode().strip().split("\r\n"))
            else:
                message = frame
        code = CODES[int(trailers["grpc-status"])]
        if code is grpc.StatusCode.OK:
            return Answer(code, body=rpc(name).decode(message), raw=message)
        details = trailers.get(answers.DETAILS_KEY)
        packed = base64.b64decode(details + "=" * (-len(details) % 4)) if details else None
        return answers.of_status(code, unquote(trailers.get("grpc-message", "")), packed, str(trailers))


def _frames(content: bytes) -> list[tuple[int, bytes]]:
    found = []
    while content:
        flag, length = struct.unpack(">BI", content[:5])
        found.append((flag, content[5 : 5 + length]))
        content = content[5 + length :]
    return found


class Caller:
    """One user on one way; every keyed call gets a fresh idempotency key. Raises Refused."""

    def __init__(self, way: Way, token: str) -> None:
        self.way = way
        self.token = token

    async def __call__(self, name: str, /, **request: object) -> Json:
        return (await self.whole(name, **request)).body

    async def whole(self, name: str, /, **request: object) -> Answer:
        """The answer with its bytes."""
        answer = await self.way.answer(name, dict(request), headers(self.token, rpc(name)))
        if answer.code is not grpc.StatusCode.OK:
            raise Refused(name, answer)
        return answer


def headers(token: str, called: Rpc | None = None) -> dict[str, str]:
    """The token, and a fresh key for a call that may carry one."""
    keyed = {"idempotency-key": uuid4().hex} if called is not None and called.keyed else {}
    return {"authorization": f"Bearer {token}", **keyed}
