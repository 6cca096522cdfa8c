"""What came back, in one shape for all ways in: gRPC, gRPC-web and REST."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import grpc
import httpx
from google.protobuf import json_format
from google.rpc import error_details_pb2, status_pb2

DETAILS_KEY = "grpc-status-details-bin"
CODES = {code.value[0]: code for code in grpc.StatusCode}
SERVER_FAULTS = frozenset(
    {grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL, grpc.StatusCode.DATA_LOSS, grpc.StatusCode.UNIMPLEMENTED}
)
INTERNALS = re.compile(
    r"traceback|sqlalchemy|psycopg|asyncpg|DecodeError|google\.protobuf\.|\bPython\b|site-packages|\.py\b|"
    r"line \d+, in |(?<![\w:/])/(?:work|root|home|usr|tmp|var)/|\bSELECT\b|\bINSERT INTO\b|violates|relation \"|"
    r"billing_(?:runtime|kernel|pricing|subscriptions|usage|invoicing|tax|payments)|object at 0x|Exception\b",
    re.IGNORECASE,
)
"""Words that only the inside knows."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`http` is 0 for gRPC. `fields` are the paths of its violations; `text` is all that the caller can read."""

    code: grpc.StatusCode
    reason: str = ""
    fields: tuple[str, ...] = ()
    http: int = 0
    text: str = ""
    body: dict[str, Any] = field(default_factory=dict)
    raw: bytes = b""

    @property
    def leak(self) -> str:
        """The first word of the inside in this answer; empty for a clean one."""
        found = INTERNALS.search(re.sub(r"type\.googleapis\.com/[\w.]+", "", self.text))
        return found.group() if found else ""

    @property
    def is_server_fault(self) -> bool:
        return self.code in SERVER_FAULTS or self.http >= 500


class Refused(Exception):
    """A call that should have succeeded did not."""

    def __init__(self, name: str, answer: Answer) -> None:
        super().__init__(f"{name}: {answer.code.name} {answer.reason} {answer.http or ''} {answer.text[:600]}")
        self.answer = answer


def of_error(error: grpc.aio.AioRpcError) -> Answer:
    """A refusal over gRPC."""
    trailers = dict(error.trailing_metadata() or ())
    return of_status(error.code(), error.details() or "", trailers.get(DETAILS_KEY), str(trailers))


def of_status(code: grpc.StatusCode, message: str, details: Any, shown: str) -> Answer:
    """A refusal whose details are the bytes of a google.rpc.Status, or None."""
    status = status_pb2.Status.FromString(details) if details else status_pb2.Status()
    info: Any = error_details_pb2.ErrorInfo()
    bad: Any = error_details_pb2.BadRequest()
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(bad)
    said = [violation.description for violation in bad.field_violations]
    text = " ".join(
        (message, status.message, info.reason, str(dict(info.metadata)), *said, shown if not details else "")
    )
    return Answer(code, info.reason, tuple(v.field for v in bad.field_violations), text=text)


def of_response(response: httpx.Response) -> Answer:
    """An answer over REST: success, or the one JSON shape of errors."""
    text = response.text if "pdf" not in response.headers.get("content-type", "") else ""
    body = json_of(response)
    if response.is_success:
        return Answer(grpc.StatusCode.OK, http=response.status_code, body=body, raw=response.content)
    assert set(body) == {"code", "message", "details"}, f"not the shape of errors: {response.status_code} {text[:300]}"
    status = json_format.ParseDict({"code": body["code"], "message": body["message"]}, status_pb2.Status())
    info, bad = _detail(body, "ErrorInfo"), _detail(body, "BadRequest")
    fields = tuple(each.get("field", "") for each in bad.get("field_violations", bad.get("fieldViolations", ())))
    shown = text.replace("google.rpc.", "")
    return Answer(CODES[status.code], info.get("reason", ""), fields, response.status_code, shown, body)


def _detail(body: dict[str, Any], kind: str) -> dict[str, Any]:
    """The first detail of this kind; empty when there is none."""
    return next((each for each in body["details"] if each["@type"].endswith(f"google.rpc.{kind}")), {})


def json_of(response: httpx.Response) -> dict[str, Any]:
    """The body as an object; empty when it is none."""
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
