"""The guard's decision on one body: nothing to say, or the answer that its caller gets instead."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from billing_kernel.errors import Violation

from billing_gateway.contract import HTTP_BODY, Contract
from billing_gateway.guard.json_text import Unreadable, read
from billing_gateway.guard.json_types import Judge, Judges

NO_BODY, UNTYPED = "none", "untyped"
VIOLATIONS_MAX = 20
INVALID_ARGUMENT = 3
REASON = "INVALID_JSON"
INVALID_STATUS = 422
"""Nobody else answers with it: the proxy sees by it that the body is finished JSON, and makes it a 400."""
UNTYPED_STATUS = 415


class NotGuarded(Exception):
    """The proxy asks about a message that no public method takes: it is configured from another contract."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the caller gets instead. Status 422: `body` is finished JSON (the proxy makes it 400); else it is text."""

    status: int
    body: bytes


class Verdicts:
    """Judges the bodies of all public methods of a contract."""

    def __init__(self, contract: Contract) -> None:
        judges = Judges()
        taken = [m.body_type(binding) for m in contract.methods for binding in m.bindings]
        self._judges: Mapping[str, Judge] = {
            str(kind.full_name): judges.of_message(kind)
            for kind in taken
            if kind is not None and kind.full_name != HTTP_BODY
        }

    def refusal(self, message: str, body: bytes) -> Refusal | None:
        """The answer for a body that is no `message`; None for a good one, and for an empty one, which is {}.

        Message "none": the call takes no body. "untyped": it takes none without a content-type. Raises NotGuarded.
        """
        if not body:
            return None
        if message == UNTYPED:
            return Refusal(UNTYPED_STATUS, b"content-type must be application/json")
        if message == NO_BODY:
            return answer("this call takes no body", ())
        if message not in self._judges:
            raise NotGuarded(message)
        try:
            return self._judge(self._judges[message], body)
        except Unreadable as unreadable:
            return answer(str(unreadable), ())
        except RecursionError:
            return answer("the body is nested too deeply", ())

    def _judge(self, judge: Judge, body: bytes) -> Refusal | None:
        found: list[Violation] = []
        judge(read(body), None, found)
        return answer("the body is not what this call takes", found[:VIOLATIONS_MAX]) if found else None


def answer(message: str, violations: Sequence[Violation]) -> Refusal:
    """google.rpc.Status as the translation writes it: INVALID_ARGUMENT, ErrorInfo and, if any, BadRequest."""
    details = [_detail("ErrorInfo", reason=REASON, domain="billing", metadata={})]
    if violations:
        fields = [{"field": v.field, "description": v.description, "reason": v.rule} for v in violations]
        details.append(_detail("BadRequest", field_violations=fields))
    status = {"code": INVALID_ARGUMENT, "message": message, "details": details}
    return Refusal(INVALID_STATUS, json.dumps(status, separators=(",", ":")).encode())


def _detail(kind: str, **fields: Any) -> dict[str, Any]:
    return {"@type": f"type.googleapis.com/google.rpc.{kind}", **fields}
