"""An empty tenant gets a clock of its own, in every service."""

from datetime import datetime

from billing_invoicing.domain.errors import ClockExists
from billing_invoicing.domain.test_clock import TestClock
from billing_invoicing.operations.peer_ports import Clocks
from billing_invoicing.operations.ports import Begin, Read


async def create_test_clock(begin: Begin, read: Read, clocks: Clocks, now: datetime) -> TestClock:
    """The same instant again is a success. Raises ClockExists, and TENANT_NOT_EMPTY of any service.

    The other services come first: a call that was cut off in between is completed by its repetition.
    """
    async with read() as reads:
        existing = await reads.test_clocks.get()
    if existing is not None:
        return _same(existing, now)
    await clocks.set(now, create=True)
    async with begin() as uow:
        existing = await uow.test_clocks.get()
        if existing is not None:
            return _same(existing, now)
        clock = TestClock(now)
        await uow.test_clocks.insert(clock)
    return clock


def _same(existing: TestClock, now: datetime) -> TestClock:
    if existing.now != now:
        raise ClockExists("the tenant has a test clock", facts={"now": existing.now.isoformat()})
    return existing
