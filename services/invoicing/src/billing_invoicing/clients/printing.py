"""Renders documents in processes of their own: typesetting never holds up a call."""

import asyncio
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from billing_kernel.errors import DomainError, Kind

from billing_invoicing.domain.document import InvoiceDocument


class PrintingUnavailable(DomainError):
    """A process of the pool died: ask again."""

    kind = Kind.UNAVAILABLE
    reason = "PRINTING_UNAVAILABLE"


class PrintingPool:
    """`workers` processes, started with the first document and anew after a crash."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._pool: ProcessPoolExecutor | None = None

    async def render(self, document: InvoiceDocument) -> bytes:
        """The PDF. Raises PrintingUnavailable."""
        if self._pool is None:
            # spawned, not forked: gRPC and the event loop do not survive a fork
            self._pool = ProcessPoolExecutor(self._workers, multiprocessing.get_context("spawn"))
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, _render, document)
        except BrokenProcessPool as error:
            self._pool = None
            raise PrintingUnavailable("the document could not be rendered this time") from error

    async def close(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            await asyncio.to_thread(pool.shutdown, cancel_futures=True)


def _render(document: InvoiceDocument) -> bytes:
    from billing_invoicing.pdf import render  # typst is loaded in these processes alone

    return render(document)
