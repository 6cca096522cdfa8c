"""Look-ups of caches, counted as plain numbers by the event loop's thread: a hit must not pay for a lock."""

from collections.abc import Iterator

from prometheus_client import Gauge
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from billing_runtime.metrics import REGISTRY

ENTRIES = Gauge("billing_cache_entries", "Entries kept by this process", ["cache"], registry=REGISTRY)
_LABELS = ["cache", "level"]


class LookUps:
    """Of one cache at one level."""

    __slots__ = ("hits", "misses")

    def __init__(self) -> None:
        self.hits = 0
        self.misses = 0


class _CacheMetrics(Collector):
    def __init__(self) -> None:
        self.look_ups: dict[tuple[str, str], LookUps] = {}

    def collect(self) -> Iterator[Metric]:
        hits = CounterMetricFamily("billing_cache_hits", "Answers from a cache", labels=_LABELS)
        misses = CounterMetricFamily("billing_cache_misses", "Look-ups that a level had no answer to", labels=_LABELS)
        for labels, look_ups in list(self.look_ups.items()):
            hits.add_metric(labels, look_ups.hits)
            misses.add_metric(labels, look_ups.misses)
        yield hits
        yield misses


_METRICS = _CacheMetrics()
REGISTRY.register(_METRICS)


def look_ups(cache: str, level: str) -> LookUps:
    """The counts of `cache` at `level` ("process", "shared"); the same for every cache of that name."""
    return _METRICS.look_ups.setdefault((cache, level), LookUps())
