"""The public API as a customer's program sees it: JSON in, JSON out, refusals as they are."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any
from uuid import uuid4

import httpx

from tests.acceptance.prices import Json


@dataclass(frozen=True, slots=True)
class Api:
    """One administrator of one tenant."""

    http: httpx.AsyncClient
    token: str

    async def call(self, method: str, path: str, body: Json | None = None) -> Json:
        """The answer; anything but 200 fails with the body."""
        answer = await self.send(method, path, body)
        assert answer.status_code == 200, f"{method} {path}: {answer.status_code} {answer.text}"
        found: Json = answer.json()
        return found

    async def send(self, method: str, path: str, body: Json | None = None) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.token}", "idempotency-key": str(uuid4())}
        return await self.http.request(method, path, json=body, headers=headers)

    async def post(self, path: str, **body: Any) -> Json:
        return await self.call("POST", path, body)

    async def get(self, path: str) -> Json:
        return await self.call("GET", path)


def ratio(found: Json) -> Fraction:
    """A Ratio or ExactAmount as a fraction."""
    return Fraction(int(found["numerator"]), int(found["denominator"]))


def minor(found: Json) -> int:
    return int(found.get("amount_minor", 0))
