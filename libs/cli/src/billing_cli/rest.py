"""A client of the edge's REST API: idempotency keys, retries with back-off, refusals as `RestError`."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import httpx

from billing_cli.errors import CliError

TIMEOUT_S = 30.0
ATTEMPTS = 8
BACK_OFF_S = 0.1
BACK_OFF_MAX_S = 3.0
BUSY = (429, 503)
CONFLICT = 409
IN_FLIGHT = "IDEMPOTENCY_KEY_IN_FLIGHT"
ERROR_INFO = "google.rpc.ErrorInfo"
BAD_REQUEST = "google.rpc.BadRequest"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Refused:
    """An answer that is no success. `reason` is UPPER_SNAKE, empty when the answer names none."""

    http_status: int
    reason: str
    message: str
    violations: tuple[str, ...] = ()
    facts: Mapping[str, str] | None = None

    @classmethod
    def from_response(cls, response: httpx.Response) -> "Refused":
        """Reads the one JSON error shape of the edge; whatever else came is its own message."""
        try:
            body = response.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            return cls(response.status_code, "", response.text[:200] or response.reason_phrase)
        details = [each for each in body.get("details", ()) if isinstance(each, dict)]
        info = next((each for each in details if str(each.get("@type", "")).endswith(ERROR_INFO)), {})
        return cls(
            response.status_code,
            str(info.get("reason", "")),
            str(body.get("message", "")),
            tuple(_violations(details)),
            info.get("metadata") or {},
        )

    @property
    def passes(self) -> bool:
        """Whether the same request may succeed in a moment."""
        return self.http_status in BUSY or (self.http_status == CONFLICT and self.reason == IN_FLIGHT)


class RestError(CliError):
    """The API refused a request, or could not be reached (`http_status` 0)."""

    def __init__(self, request: str, refused: Refused) -> None:
        status = f"{refused.http_status} " if refused.http_status else ""
        hint = "\n".join((*refused.violations, *(f"{name}: {fact}" for name, fact in (refused.facts or {}).items())))
        super().__init__(f"{request}: {status}{refused.reason} {refused.message}".rstrip(), hint)
        self.http_status = refused.http_status
        self.reason = refused.reason
        self.said = refused.message
        self.violations = refused.violations


class RestClient:
    """Calls one edge as one user. Every POST and PATCH carries an idempotency key, the same on each retry."""

    def __init__(self, base_url: str, token: str, back_off_s: float = BACK_OFF_S) -> None:
        headers = {"authorization": f"Bearer {token}", "accept": "application/json"}
        self._http = httpx.AsyncClient(base_url=base_url, headers=headers, timeout=TIMEOUT_S, trust_env=False)
        self._back_off_s = back_off_s

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        await self._http.aclose()

    async def get(self, path: str, **query: str) -> Json:
        return _object(await self._send("GET", path, params=query))

    async def post(self, path: str, body: Json, key: str | None = None) -> Json:
        """`key` is the idempotency key; a fresh one when none is given."""
        return _object(await self._send("POST", path, json=body, headers=_keyed(key)))

    async def post_bytes(self, path: str, content: bytes, content_type: str) -> Json:
        """Posts a body as it is."""
        headers = {**_keyed(None), "content-type": content_type}
        return _object(await self._send("POST", path, content=content, headers=headers))

    async def download(self, path: str) -> bytes:
        """The body of the answer, such as a PDF."""
        return (await self._send("GET", path, headers={"accept": "*/*"})).content

    async def pages(self, path: str, field: str, **query: str) -> AsyncIterator[Json]:
        """Every item of `field`, over all pages."""
        token = ""
        while True:
            page = await self.get(path, **query, **({"page_token": token} if token else {}))
            for item in page.get(field, ()):
                yield item
            token = page.get("next_page_token", "")
            if not token:
                return

    async def _send(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        refused = Refused(0, "", "no attempt was made")
        for attempt in range(ATTEMPTS):
            if attempt:
                await asyncio.sleep(_pause_s(self._back_off_s, attempt))
            try:
                response = await self._http.request(method, path, **arguments)
            except httpx.TransportError as error:
                refused = Refused(
                    0, type(error).__name__, f"{self._http.base_url} does not answer: {error}".rstrip(": ")
                )
                continue
            if response.is_success:
                return response
            refused = Refused.from_response(response)
            if not refused.passes:
                break
        raise RestError(f"{method} {path}", refused)


def _keyed(key: str | None) -> dict[str, str]:
    return {"idempotency-key": key or str(uuid4())}


def _pause_s(first_s: float, attempt: int) -> float:
    """Doubles from attempt to attempt, with jitter."""
    longest: float = min(BACK_OFF_MAX_S, first_s * 2**attempt)
    return longest * random.uniform(0.5, 1.0)


def _object(response: httpx.Response) -> Json:
    try:
        body = response.json()
    except ValueError as error:
        refused = Refused(response.status_code, "NO_JSON", "the answer is no JSON")
        raise RestError(f"{response.request.method} {response.request.url.path}", refused) from error
    assert isinstance(body, dict), "the API answers objects"
    return body


def _violations(details: list[Json]) -> list[str]:
    found = [
        each for detail in details if str(detail.get("@type", "")).endswith(BAD_REQUEST) for each in _fields(detail)
    ]
    return [f"{each.get('field', '')}: {each.get('description', '')}" for each in found]


def _fields(detail: Json) -> list[Json]:
    """The edge writes proto names; gateways in front of it may write JSON names."""
    return list(detail.get("field_violations") or detail.get("fieldViolations") or ())
