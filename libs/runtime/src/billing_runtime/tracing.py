"""W3C trace context and spans. An unsampled call costs a header and no span.

The context of the work at hand is a `traceparent` string in a context variable; it travels through calls, the outbox
and Kafka. Spans are made only when it is sampled and an exporter is there.
"""

import os
import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.trace import Span, Tracer

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_CURRENT: ContextVar[str | None] = ContextVar("billing_traceparent", default=None)
_TRACING: ContextVar["Tracing | None"] = ContextVar("billing_tracing", default=None)


def inject() -> str | None:
    """The traceparent to send along with a call or an event; None outside any trace."""
    return _CURRENT.get()


def extract(header: object) -> str | None:
    """`header` as a valid traceparent (version 00), or None when it is absent, malformed or all zeros."""
    match = _TRACEPARENT.fullmatch(header) if isinstance(header, str) else None
    if match is None or match[0].startswith("ff"):
        return None
    trace_id, span_id, flags = match.groups()
    if not trace_id.strip("0") or not span_id.strip("0"):
        return None
    return f"00-{trace_id}-{span_id}-{flags}"


def is_sampled(traceparent: str) -> bool:
    """Whether the sampled flag is set."""
    return int(traceparent[-1], 16) & 1 == 1


@contextmanager
def continued(traceparent: str | None) -> Iterator[None]:
    """Goes on with the trace of an event inside the block: calls and events that follow carry it."""
    token = _CURRENT.set(extract(traceparent))
    try:
        yield
    finally:
        _CURRENT.reset(token)


@contextmanager
def span(name: str, **attributes: str | int) -> Iterator[None]:
    """A child span of the work at hand, where that is sampled; otherwise nothing."""
    tracing, current = _TRACING.get(), _CURRENT.get()
    if tracing is None or current is None:
        yield
        return
    with tracing.span(name, current, **attributes):
        yield


class Tracing:
    """The tracing of one service: its sample rate (0 to 1) and, where spans are exported, its tracer."""

    def __init__(self, service: str, sample_rate: float, processor: "SpanProcessor | None" = None) -> None:
        self._rate = sample_rate if processor is not None else 0.0
        self._processor = processor
        self._tracer = _tracer(service, processor) if processor is not None else None

    def enter(self, header: object) -> str:
        """Continues the trace in `header`, or begins one; makes it current and returns its traceparent."""
        traceparent = extract(header) or self._begin()
        _CURRENT.set(traceparent)
        _TRACING.set(self)
        return traceparent

    @contextmanager
    def span(self, name: str, parent: str, **attributes: str | int) -> Iterator["Span | None"]:
        """A span under `parent`, current inside the block. None when unsampled or not exported."""
        if self._tracer is None or not is_sampled(parent):
            yield None
            return
        with _child(self._tracer, name, parent) as made:
            made.set_attributes(attributes)
            yield made

    def close(self) -> None:
        """Sends what is still queued. Blocks for as long as the exporter does: call it from a thread."""
        if self._processor is not None:
            self._processor.shutdown()

    def _begin(self) -> str:
        ids = os.urandom(24).hex()
        flags = "01" if self._rate and random.random() < self._rate else "00"
        return f"00-{ids[:32]}-{ids[32:]}-{flags}"


def open_tracing(service: str, sample_rate: float, otlp_endpoint: str) -> Tracing:
    """Tracing with an OTLP exporter (gRPC) when an endpoint is given, else propagation only."""
    if not otlp_endpoint:
        return Tracing(service, sample_rate)
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    exporter = OTLPSpanExporter(endpoint=otlp_endpoint, insecure=not otlp_endpoint.startswith("https://"))
    return Tracing(service, sample_rate, BatchSpanProcessor(exporter))


def _tracer(service: str, processor: "SpanProcessor") -> "Tracer":
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON

    provider = TracerProvider(
        sampler=ALWAYS_ON, resource=Resource({"service.name": f"billing-{service}"}), shutdown_on_exit=False
    )
    provider.add_span_processor(processor)
    return provider.get_tracer("billing_runtime")


@contextmanager
def _child(tracer: "Tracer", name: str, parent: str) -> Iterator["Span"]:
    from opentelemetry import trace

    _, trace_id, span_id, _ = parent.split("-")
    above = trace.SpanContext(int(trace_id, 16), int(span_id, 16), True, trace.TraceFlags(1))
    context = trace.set_span_in_context(trace.NonRecordingSpan(above))
    with tracer.start_as_current_span(name, context, kind=trace.SpanKind.SERVER) as made:
        own = made.get_span_context()
        token = _CURRENT.set(f"00-{own.trace_id:032x}-{own.span_id:016x}-01")
        try:
            yield made
        finally:
            _CURRENT.reset(token)
