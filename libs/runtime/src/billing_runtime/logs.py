"""Structured logs: one JSON object a line on stderr, secrets masked whatever their place."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

from billing_runtime.call import current_call_or_none
from billing_runtime.tracing import inject

MASK = "***"
_SECRET_NAMES = re.compile(
    r"(?i)(^|_)(password|passwd|secret|token|authorization|cookie|private_key|service_key|api_key|pan|cvv|cvc)($|_)"
)
_SECRET_TEXTS = re.compile(
    r"eyJ[\w-]+\.[\w-]*\.[\w-]*"  # a JWT
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"  # user:password of a URL
    r"|(?i:bearer)\s+\S+"
    r"|whsec_[\w+/=-]+"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
)
_DIGITS = re.compile(r"(?<![\w-])\d(?:[ -]?\d){12,18}(?![\w-])")

Event = MutableMapping[str, Any]


def configure(level: str) -> None:
    """Sends structlog and the standard library's logging to stderr as JSON, from `level` upwards."""
    shared: list[Any] = [structlog.stdlib.add_log_level, structlog.processors.TimeStamper("iso", key="time"), _context]
    final: list[Any] = [structlog.processors.format_exc_info, mask, structlog.processors.JSONRenderer(default=str)]
    structlog.configure(
        processors=[*shared, *final],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=lambda *_names: structlog.WriteLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *final],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)


def mask(_logger: Any, _name: str, event: Event) -> Event:
    """A structlog processor: replaces secret values by name, and secrets inside any text by their shape."""
    return {key: _masked(key, value) for key, value in event.items()}


def _masked(key: str, value: Any) -> Any:
    if _SECRET_NAMES.search(key):
        return MASK
    if isinstance(value, str):
        return _DIGITS.sub(_card, _SECRET_TEXTS.sub(MASK, value))
    if isinstance(value, Mapping):
        return {inner: _masked(str(inner), part) for inner, part in value.items()}
    if isinstance(value, list | tuple):
        return [_masked("", part) for part in value]
    return value


def _card(match: re.Match[str]) -> str:
    digits = [int(character) for character in match[0] if character.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return MASK if (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0 else match[0]


def _context(_logger: Any, _name: str, event: Event) -> Event:
    call = current_call_or_none()
    if call is not None:
        event.setdefault("tenant_id", str(call.tenant_id))
        event.setdefault("actor", call.actor)
        event.setdefault("correlation_id", call.correlation_id)
    traceparent = inject()
    if traceparent is not None:
        event.setdefault("trace_id", traceparent[3:35])
    return event
