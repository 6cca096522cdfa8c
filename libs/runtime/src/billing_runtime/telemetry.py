"""What a service shows of itself: traces, metrics and logs, opened together and closed together.

`inject` and `extract` carry the trace through the outbox and Kafka; `span` marks a part of the work; metrics are made
with `registry=REGISTRY`.
"""

from billing_runtime.metrics import REGISTRY, MetricsPage
from billing_runtime.settings import RuntimeSettings
from billing_runtime.tracing import Tracing, extract, inject, open_tracing, span

__all__ = ["REGISTRY", "Telemetry", "extract", "inject", "span"]


class Telemetry:
    """Tracing and the metrics page of one process. Raises OSError when the address of the page is taken."""

    def __init__(self, service: str, settings: RuntimeSettings) -> None:
        self.tracing: Tracing = open_tracing(service, settings.trace_sample_rate, settings.otlp_endpoint)
        self.page = MetricsPage(*settings.metrics_bind)

    def close(self) -> None:
        """Flushes spans and closes the page. Blocks: call it from a thread."""
        self.tracing.close()
        self.page.close()
