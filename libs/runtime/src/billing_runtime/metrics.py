"""Prometheus metrics: one registry for the process, served as a page. Make a metric with `registry=REGISTRY`."""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from itertools import accumulate
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import grpc
from prometheus_client import CollectorRegistry, Gauge, make_wsgi_app
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

STOP_CHECK_S = 0.05

REGISTRY = CollectorRegistry(auto_describe=True)

_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

CHECK_UP = Gauge("billing_check_up", "1 while a check of the service succeeds", ["service", "check"], registry=REGISTRY)


class _Answers:
    """Answers of one method with one code. Counted by the event loop's thread alone, so without a lock; the page may
    read one answer late."""

    __slots__ = ("buckets", "seconds")

    def __init__(self) -> None:
        self.buckets = [0] * (len(_BUCKETS_S) + 1)  # the last one: slower than all
        self.seconds = 0.0


class _RpcMetrics(Collector):
    """The two metrics of every call as plain numbers: what a call pays for being counted is a look-up."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str], _Answers] = {}

    def answers(self, method: str, code: str) -> _Answers:
        return self._answers.setdefault((method, code), _Answers())

    def collect(self) -> Iterator[Metric]:
        total = CounterMetricFamily("billing_rpc", "Calls answered", labels=["method", "code"])
        time = HistogramMetricFamily(
            "billing_rpc_duration_seconds",
            "Time from the first byte of a call to its answer",
            labels=["method", "code"],
        )
        for labels, answers in list(self._answers.items()):
            counts = list(accumulate(answers.buckets))
            total.add_metric(labels, counts[-1])
            bounds = (*map(floatToGoString, _BUCKETS_S), "+Inf")
            time.add_metric(labels, list(zip(bounds, counts, strict=True)), answers.seconds)
        yield total
        yield time


_RPC = _RpcMetrics()
REGISTRY.register(_RPC)


def rpc_recorder(method: str) -> Callable[[grpc.StatusCode, float], None]:
    """A function that counts one answer of `method` and its time in seconds."""
    known: dict[grpc.StatusCode, _Answers] = {}

    def record(code: grpc.StatusCode, seconds: float) -> None:
        answers = known.get(code)
        if answers is None:
            answers = known[code] = _RPC.answers(method, code.name)
        answers.buckets[bisect_left(_BUCKETS_S, seconds)] += 1
        answers.seconds += seconds

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
