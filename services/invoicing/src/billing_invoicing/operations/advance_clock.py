"""A test clock is set on its way; a job moves it."""

from datetime import datetime

from billing_invoicing.domain.errors import NoTestClock
from billing_invoicing.domain.test_clock import TestClock, advance
from billing_invoicing.operations.ports import UnitOfWork


async def advance_clock(uow: UnitOfWork, to: datetime) -> TestClock:
    """Raises NoTestClock, ClockIsMoving, ClockMovesBackwards."""
    before = await uow.test_clocks.lock()
    if before is None:
        raise NoTestClock("the tenant has no test clock")
    after = advance(before, to)
    await uow.test_clocks.save(after)
    return after
