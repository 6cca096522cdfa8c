"""What another service answered becomes a typed refusal here, in one place.

RemoteRefusal   the other side's own refusal: its reason, facts and violations; transient where it was
PeerUnavailable UNAVAILABLE and transient: not reached, too busy, or it did not accept this service's token (rotation)
PeerFailed      UNAVAILABLE for our caller, but not transient: a bug over there, which repeating does not cure
"""

from collections.abc import Mapping

import grpc
from billing_kernel.errors import DomainError, Kind, Violation
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2

from billing_runtime.errors import CODES, DETAILS_KEY

_KINDS: Mapping[grpc.StatusCode, Kind] = {
    **{code: kind for kind, code in CODES.items() if kind is not Kind.NOT_CAUGHT_UP},
    grpc.StatusCode.OUT_OF_RANGE: Kind.INVALID,
    grpc.StatusCode.CANCELLED: Kind.UNAVAILABLE,
}


_TOO_LARGE = "larger than max"  # gRPC: "SERVER: Received message larger than max (6000000 vs. 4194304)"


class RemoteRefusal(DomainError):
    """A refusal with the kind and reason that the other service gave it."""

    def __init__(
        self, message: str, *, kind: Kind, reason: str, facts: Mapping[str, str], violations: tuple[Violation, ...]
    ) -> None:
        super().__init__(message, facts=facts, violations=violations)
        self.kind = kind  # type: ignore[misc]  # per instance: the kind is the other side's
        self.reason = reason  # type: ignore[misc]

    @property
    def transient(self) -> bool:
        """Also while the first of two equal calls still runs over there."""
        return super().transient or self.reason == "IDEMPOTENCY_KEY_IN_FLIGHT"


class PeerUnavailable(DomainError):
    kind = Kind.UNAVAILABLE
    reason = "PEER_UNAVAILABLE"


class PeerFailed(DomainError):
    kind = Kind.UNAVAILABLE
    reason = "PEER_FAILED"

    @property
    def transient(self) -> bool:
        return False


def translate(error: grpc.aio.AioRpcError) -> DomainError:
    """The refusal that stands for an error of an outgoing call. Raise it `from` the error."""
    code = error.code()
    kind = _KINDS.get(code)
    if kind is None:
        return PeerFailed("another service failed", facts={"code": code.name})
    info, violations = _details(error)
    if code is grpc.StatusCode.UNAUTHENTICATED:
        return PeerUnavailable("another service did not accept this service's token")
    if not info.reason:
        return _bare(kind, code, error.details() or "")
    if info.reason == "NOT_CAUGHT_UP":
        kind = Kind.NOT_CAUGHT_UP
    return RemoteRefusal(
        error.details() or "", kind=kind, reason=info.reason, facts=dict(info.metadata), violations=violations
    )


def _bare(kind: Kind, code: grpc.StatusCode, text: str) -> DomainError:
    """An answer without details comes from gRPC itself or from a proxy.

    RESOURCE_EXHAUSTED is two things there: a server at its limit of calls, which is over soon, and a message that will
    always be too large, which only the text tells.
    """
    if kind is Kind.EXHAUSTED and _TOO_LARGE not in text:
        return PeerUnavailable("another service is overloaded")
    if kind is Kind.UNAVAILABLE:
        return PeerUnavailable("another service does not answer")
    if kind is Kind.DEADLINE:
        message, reason = "another service took too long", "DEADLINE_EXCEEDED"
    elif kind is Kind.EXHAUSTED:
        message, reason = "the message is too large for a call", "RESOURCE_EXHAUSTED"
    else:
        return PeerFailed("another service failed", facts={"code": code.name})
    return RemoteRefusal(message, kind=kind, reason=reason, facts={}, violations=())


def _details(error: grpc.aio.AioRpcError) -> tuple[error_details_pb2.ErrorInfo, tuple[Violation, ...]]:
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in _status(error).details:
        target: Message = info if detail.Is(info.DESCRIPTOR) else bad
        if detail.Is(target.DESCRIPTOR):
            detail.Unpack(target)
    return info, tuple(Violation(v.field, v.description, v.reason) for v in bad.field_violations)


def _status(error: grpc.aio.AioRpcError) -> status_pb2.Status:
    for key, value in error.trailing_metadata() or ():
        if key == DETAILS_KEY and isinstance(value, bytes):
            try:
                return status_pb2.Status.FromString(value)
            except DecodeError:
                break
    return status_pb2.Status()
