"""What is due is attempted and what is unclear is resolved, in time order, up to a limit."""

from dataclasses import dataclass
from datetime import datetime

from billing_payments.domain.errors import AsOfInFuture
from billing_payments.operations.collect import Collector
from billing_payments.operations.make_due_attempts import make_due_attempts
from billing_payments.operations.resolve_unclear import resolve_unclear


@dataclass(frozen=True, slots=True)
class Run:
    """`attempted` attempts made and resolved; whether `more` is due; `unresolved` payments in a middle state."""

    attempted: int
    more: bool
    unresolved: int


async def run_payment_retries(collector: Collector, *, as_of: datetime, limit: int) -> Run:
    """Raises AsOfInFuture."""
    async with collector.begin() as uow:
        if as_of > await uow.now():
            raise AsOfInFuture("as_of lies ahead of the business time", facts={"now": (await uow.now()).isoformat()})
    attempted = await _drain(collector, as_of, limit)
    async with collector.begin() as uow:
        return Run(attempted, await uow.is_due(as_of), await uow.unclear_count())


async def _drain(collector: Collector, as_of: datetime, limit: int) -> int:
    """Unclear attempts go first: what they lead to may be due before the rest."""
    left, attempted = limit, 0
    while left > 0:
        resolved = await resolve_unclear(collector, limit=left)
        made = await make_due_attempts(collector, as_of=as_of, limit=left - resolved)
        claimed = resolved + made.claimed
        if claimed == 0:
            break
        left, attempted = left - claimed, attempted + resolved + made.attempted
    return attempted
