"""Errors become answers in one place: a refusal to its gRPC code with details, anything else to INTERNAL with an id.

DomainError         -> the code of its kind, ErrorInfo{reason, "billing", facts}, BadRequest{violations}
database errors     -> the refusal that `database_errors` gives them, never their text
anything else       -> INTERNAL "internal error", ErrorInfo{INTERNAL, error_id}; the traceback goes to the log alone
"""

from collections.abc import Mapping
from contextlib import suppress
from uuid import uuid4

import grpc
import structlog
from billing_kernel.errors import DomainError, Invalid, Kind
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2

from billing_runtime import database_errors

DOMAIN = "billing"
DETAILS_KEY = "grpc-status-details-bin"
FACTS_MAX = 16
TEXT_LENGTH_MAX = 256
DETAILS_BYTES_MAX = 4096  # clients refuse trailers from 8 KiB on, and then see no reason at all

CODES: Mapping[Kind, grpc.StatusCode] = {
    Kind.INVALID: grpc.StatusCode.INVALID_ARGUMENT,
    Kind.NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    Kind.ALREADY_EXISTS: grpc.StatusCode.ALREADY_EXISTS,
    Kind.PRECONDITION: grpc.StatusCode.FAILED_PRECONDITION,
    Kind.CONFLICT: grpc.StatusCode.ABORTED,
    Kind.FORBIDDEN: grpc.StatusCode.PERMISSION_DENIED,
    Kind.UNAUTHENTICATED: grpc.StatusCode.UNAUTHENTICATED,
    Kind.EXHAUSTED: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Kind.UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
    Kind.NOT_CAUGHT_UP: grpc.StatusCode.UNAVAILABLE,
    Kind.DEADLINE: grpc.StatusCode.DEADLINE_EXCEEDED,
}
assert set(CODES) == set(Kind)

_log = structlog.get_logger("billing.errors")


class MalformedRequest(Invalid):
    reason = "MALFORMED_REQUEST"


class DeadlineExceeded(DomainError):
    kind = Kind.DEADLINE
    reason = "DEADLINE_EXCEEDED"


def known(error: BaseException) -> DomainError | None:
    """The refusal that `error` is or stands for; None for a bug."""
    return error if isinstance(error, DomainError) else database_errors.translate(error)


def code_of(error: BaseException) -> grpc.StatusCode:
    """The gRPC code that a caller gets for `error`."""
    refusal = known(error)
    return grpc.StatusCode.INTERNAL if refusal is None else CODES[refusal.kind]


def status_of(refusal: DomainError) -> status_pb2.Status:
    """The full answer for a refusal."""
    status = status_pb2.Status(code=CODES[refusal.kind].value[0], message=refusal.message[:TEXT_LENGTH_MAX])
    facts = {key: fact[:TEXT_LENGTH_MAX] for key, fact in list(refusal.facts.items())[:FACTS_MAX]}
    _attach(status, error_details_pb2.ErrorInfo(reason=refusal.reason, domain=DOMAIN, metadata=facts))
    if refusal.violations:
        _attach(status, _bad_request(refusal))
    return status


def internal(error: BaseException, **facts: str) -> status_pb2.Status:
    """Logs a bug with its traceback under a fresh id, and gives an answer that holds that id and nothing else of it."""
    error_id = uuid4().hex
    with suppress(Exception):  # a log that is full or closed must not become part of the answer
        _log.error("internal_error", error_id=error_id, exc_info=error, **facts)
    status = status_pb2.Status(code=grpc.StatusCode.INTERNAL.value[0], message="internal error")
    _attach(status, error_details_pb2.ErrorInfo(reason="INTERNAL", domain=DOMAIN, metadata={"error_id": error_id}))
    return status


def _bad_request(refusal: DomainError) -> error_details_pb2.BadRequest:
    """As many violations as fit; the first ones are what a caller mends first."""
    bad = error_details_pb2.BadRequest()
    for violation in refusal.violations:
        description = violation.description[:TEXT_LENGTH_MAX]
        bad.field_violations.add(field=violation.field, description=description, reason=violation.rule)
        if bad.ByteSize() > DETAILS_BYTES_MAX:
            break
    return bad


def _attach(status: status_pb2.Status, detail: error_details_pb2.ErrorInfo | error_details_pb2.BadRequest) -> None:
    packed = any_pb2.Any()
    packed.Pack(detail)
    status.details.append(packed)
