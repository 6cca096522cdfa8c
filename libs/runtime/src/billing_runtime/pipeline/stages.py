"""The stages in their order. Each takes the rest of the way and gives back the way with itself in front."""

import asyncio
import hashlib
import re
import time
from dataclasses import replace
from typing import Any

import grpc
import structlog
from billing.common.v1 import access_pb2
from billing_kernel.errors import Invalid
from google.rpc import status_pb2

from billing_runtime import access as access_rules
from billing_runtime import deadline as deadlines
from billing_runtime import validation as rules
from billing_runtime.call import Call, IdempotencyScope, set_call
from billing_runtime.errors import DETAILS_KEY, DeadlineExceeded, code_of, internal, known, status_of
from billing_runtime.idempotency import AlreadyAnswered
from billing_runtime.metrics import rpc_recorder
from billing_runtime.pipeline.exchange import Exchange, Method, Proceed, Stage, Surroundings
from billing_runtime.tracing import inject, is_sampled

UNARY_S = 30.0
STREAM_S = 300.0
DEADLINE_MAX_S = 900.0
ACCEPTED_MAX = 1000  # requests of one method that are remembered as good
ACCEPTED_BYTES_MAX = 256

_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_CORRELATION = re.compile(r"[\x21-\x7e]{1,128}")
_CODES = {code.value[0]: code for code in grpc.StatusCode}
_audit = structlog.get_logger("billing.audit")


class IdempotencyKeyRequired(Invalid):
    reason = "IDEMPOTENCY_KEY_REQUIRED"


class IdempotencyKeyInvalid(Invalid):
    reason = "IDEMPOTENCY_KEY_INVALID"


def errors(_surroundings: Surroundings, method: Method, proceed: Proceed) -> Proceed:
    """Every error leaves as one status with details; a bug leaves as an id."""

    async def stage(exchange: Exchange) -> bytes:
        try:
            return await proceed(exchange)
        except grpc.aio.AbortError:
            raise
        except Exception as error:
            refusal = known(error)
            status = internal(error, method=method.name) if refusal is None else status_of(refusal)
        return await _abort(exchange, status)

    return stage


async def _abort(exchange: Exchange, status: status_pb2.Status) -> bytes:
    details = ((DETAILS_KEY, status.SerializeToString()),)
    await exchange.context.abort(_CODES[status.code], status.message, details)
    raise AssertionError("abort raises")


def tracing(surroundings: Surroundings, method: Method, proceed: Proceed) -> Proceed:
    """Continues the caller's trace, or begins one; a span only when it is sampled."""
    tracer = surroundings.tracing

    async def stage(exchange: Exchange) -> bytes:
        exchange.traceparent = tracer.enter(exchange.metadata.get("traceparent"))
        if not is_sampled(exchange.traceparent):
            return await proceed(exchange)
        with tracer.span(method.name, exchange.traceparent, **{"rpc.system": "grpc"}):
            exchange.traceparent = inject() or exchange.traceparent
            return await proceed(exchange)

    return stage


def metrics(_surroundings: Surroundings, method: Method, proceed: Proceed) -> Proceed:
    """Counts the answer and its time by method and code."""
    record = rpc_recorder(method.name)

    async def stage(exchange: Exchange) -> bytes:
        began_s = time.perf_counter()
        code = grpc.StatusCode.OK
        try:
            return await proceed(exchange)
        except BaseException as error:
            code = _code(exchange, error)
            raise
        finally:
            record(code, time.perf_counter() - began_s)

    return stage


def _code(exchange: Exchange, error: BaseException) -> grpc.StatusCode:
    if isinstance(error, asyncio.CancelledError):
        return grpc.StatusCode.CANCELLED
    if isinstance(error, grpc.aio.AbortError):
        code = exchange.context.code()
        return code if isinstance(code, grpc.StatusCode) else _CODES.get(code, grpc.StatusCode.UNKNOWN)
    return code_of(error)


def deadline(_surroundings: Surroundings, method: Method, proceed: Proceed) -> Proceed:
    """No work without an end: the caller's deadline, at most DEADLINE_MAX_S; without one, a default."""
    default_s = STREAM_S if method.streams else UNARY_S

    async def stage(exchange: Exchange) -> bytes:
        remaining_s = exchange.context.time_remaining()
        if remaining_s is not None and remaining_s <= DEADLINE_MAX_S:  # gRPC itself cancels the call in time
            deadlines.set_remaining(remaining_s)
            return await proceed(exchange)
        limit_s = default_s if remaining_s is None else DEADLINE_MAX_S
        deadlines.set_remaining(limit_s)
        try:
            async with asyncio.timeout(limit_s) as limit:
                return await proceed(exchange)
        except TimeoutError as error:
            if limit.expired():
                raise DeadlineExceeded("the call took too long") from error
            raise

    return stage


def authentication(surroundings: Surroundings, _method: Method, proceed: Proceed) -> Proceed:
    """Turns the bearer token into the call's context; nothing else in the metadata says who is calling."""
    authenticator = surroundings.authenticator

    async def stage(exchange: Exchange) -> bytes:
        metadata = exchange.metadata
        header = metadata.get("authorization")
        if not isinstance(header, str):
            header = ""
        identity = authenticator.cached(header) or await authenticator.judge(header)
        exchange.principal = identity.principal
        exchange.call = Call(
            tenant_id=identity.tenant_id,
            actor=identity.actor,
            role=identity.role,
            customer_id=identity.customer_id,
            correlation_id=_correlation(metadata, exchange.traceparent),
            causation_id=identity.cause,
            traceparent=exchange.traceparent,
        )
        set_call(exchange.call)
        return await proceed(exchange)

    return stage


def _correlation(metadata: dict[str, Any], traceparent: str) -> str:
    """What the caller names, else the id of the trace."""
    given = metadata.get("x-correlation-id") or metadata.get("x-request-id")
    return given if isinstance(given, str) and _CORRELATION.fullmatch(given) else traceparent[3:35]


def access(_surroundings: Surroundings, method: Method, proceed: Proceed) -> Proceed:
    """Lets in the roles that the method option names; writes the audit line where it asks for one."""
    roles = access_rules.roles_of(method.access)
    permission = method.access.permission

    async def enter(exchange: Exchange) -> bytes:
        if _call(exchange).role not in roles:
            raise access_rules.PermissionDenied("the caller may not do this", facts={"permission": permission})
        return await proceed(exchange)

    async def audited(exchange: Exchange) -> bytes:
        outcome = grpc.StatusCode.OK
        try:
            return await enter(exchange)
        except BaseException as error:
            outcome = _code(exchange, error)
            raise
        finally:
            _write_audit(method, _call(exchange), outcome)

    return audited if method.access.audit else enter


def _write_audit(method: Method, call: Call, outcome: grpc.StatusCode) -> None:
    _audit.info(
        "audit",
        method=method.name,
        permission=method.access.permission,
        outcome=outcome.name,
        actor=call.actor,
        role=call.role.value,
        tenant_id=str(call.tenant_id),
        correlation_id=call.correlation_id,
        causation_id=call.causation_id,
    )


def validation(_surroundings: Surroundings, method: Method, proceed: Proceed) -> Proceed:
    """Parses the bytes, and refuses what the contract does not allow.

    Bytes that were accepted once are accepted for good, where no rule asks what time it is: reads that come again and
    again are judged once. Kept for reads alone, and small ones.
    """
    rules.prepare(method.request)
    accepted: dict[bytes, None] = {}
    parse, known = method.request.FromString, method.request
    keeps = method.access.idempotency == access_pb2.IDEMPOTENCY_MODE_NONE and rules.is_timeless(known)

    async def stage(exchange: Exchange) -> bytes:
        raw = exchange.raw
        if raw in accepted:
            exchange.request = parse(raw)
            return await proceed(exchange)
        request = rules.parse(known, raw)
        rules.validate(request)
        if keeps and len(raw) <= ACCEPTED_BYTES_MAX:
            if len(accepted) >= ACCEPTED_MAX:
                del accepted[next(iter(accepted))]
            accepted[raw] = None
        exchange.request = request
        return await proceed(exchange)

    return stage


def idempotency(_surroundings: Surroundings, method: Method, proceed: Proceed) -> Proceed:
    """For methods in mode KEY: puts the key into the call's context, and answers a repetition as the first time."""
    if method.access.idempotency != access_pb2.IDEMPOTENCY_MODE_KEY:
        return proceed

    async def stage(exchange: Exchange) -> bytes:
        key = exchange.metadata.get("idempotency-key")
        if key is None and method.access.key_required:
            raise IdempotencyKeyRequired("this call moves money and needs the metadata idempotency-key")
        if key is None:
            return await proceed(exchange)
        call = exchange.call = replace(_call(exchange), idempotency=_scope(exchange, method, key))
        set_call(call)
        try:
            return await proceed(exchange)
        except AlreadyAnswered as first:
            return first.response

    return stage


def _scope(exchange: Exchange, method: Method, key: object) -> IdempotencyScope:
    if not isinstance(key, str) or _KEY.fullmatch(key) is None:
        raise IdempotencyKeyInvalid("an idempotency key is 1 to 255 visible ASCII characters")
    canonical = exchange.request.SerializeToString(deterministic=True)
    call = _call(exchange)
    return IdempotencyScope(call.tenant_id, exchange.principal, method.name, key, hashlib.sha256(canonical).digest())


def _call(exchange: Exchange) -> Call:
    assert exchange.call is not None, "authentication comes first"
    return exchange.call


STAGES: tuple[Stage, ...] = (errors, tracing, metrics, deadline, authentication, access, validation, idempotency)
