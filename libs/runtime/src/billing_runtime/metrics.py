"""Prometheus metrics: one registry for the process, served as a page. Make a metric with `registry=REGISTRY`."""

from collections.abc import Callable
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import grpc
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, make_wsgi_app

STOP_CHECK_S = 0.05

REGISTRY = CollectorRegistry(auto_describe=True)

_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

RPC_TOTAL = Counter("billing_rpc", "Calls answered", ["method", "code"], registry=REGISTRY)
RPC_SECONDS = Histogram(
    "billing_rpc_duration_seconds",
    "Time from the first byte of a call to its answer",
    ["method", "code"],
    buckets=_BUCKETS_S,
    registry=REGISTRY,
)
CHECK_UP = Gauge("billing_check_up", "1 while a check of the service succeeds", ["service", "check"], registry=REGISTRY)


def rpc_recorder(method: str) -> Callable[[grpc.StatusCode, float], None]:
    """A function that counts one answer of `method` and its time in seconds; the label look-up is paid once a code."""
    children: dict[grpc.StatusCode, tuple[Callable[[], None], Callable[[float], None]]] = {}

    def record(code: grpc.StatusCode, seconds: float) -> None:
        pair = children.get(code)
        if pair is None:
            pair = children[code] = (
                RPC_TOTAL.labels(method, code.name).inc,
                RPC_SECONDS.labels(method, code.name).observe,
            )
        pair[0]()
        pair[1](seconds)

    return record


class _Quiet(WSGIRequestHandler):
    timeout = 5  # seconds that a reader may keep the page to itself

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name is the standard library's
        """Scrapes are not worth a line."""


class MetricsPage:
    """The page /metrics on its own thread, open from the first moment. `port` is the bound one."""

    def __init__(self, host: str, port: int) -> None:
        self._server = make_server(host, port, make_wsgi_app(REGISTRY), handler_class=_Quiet)
        self.port = self._server.server_port
        self._thread = Thread(target=self._server.serve_forever, args=(STOP_CHECK_S,), name="metrics", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)
