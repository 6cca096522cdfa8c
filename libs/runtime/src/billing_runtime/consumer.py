"""Events in: what a consumer is, and how a batch takes effect exactly once. Everything but Kafka."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import structlog
from billing_kernel.errors import DomainError
from google.protobuf.message import DecodeError, Message
from prometheus_client import Counter

from billing_runtime import dead_letter, inbox
from billing_runtime.batches import TenantKey, runs, tenant_key
from billing_runtime.call import Call, Role, calling
from billing_runtime.database import Database
from billing_runtime.database_errors import UniqueViolated, translate
from billing_runtime.events import Received, UnreadableEvent
from billing_runtime.fault import failpoint
from billing_runtime.metrics import REGISTRY
from billing_runtime.tracing import continued
from billing_runtime.transaction import Transaction

BATCH_MAX = 500
FAILING_S_MAX = 5.0  # what failing runs of one attempt may cost before the rest is left for the next attempt
DONE = Counter("billing_consumer_events", "Events by outcome", ["consumer", "outcome"], registry=REGISTRY)

Handle = Callable[[Transaction, Sequence[tuple[Received, Any]]], Awaitable[None]]
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Handler:
    """`handle(tx, events)` gets a run of one tenant and one type in order, each event with its parsed message.

    The inbox rows are written before it and the commit comes after it. It raises a transient DomainError to be called
    again later; any other exception sends the event to the dead letters and parks its key.
    """

    message: type[Message]
    handle: Handle


@dataclass(frozen=True, slots=True)
class Consumer:
    """`name` is the Kafka group and the inbox scope; `handlers` by event type; other types are passed over."""

    name: str
    topics: Sequence[str]
    handlers: Mapping[str, Handler]
    batch_max: int = BATCH_MAX


@dataclass(slots=True)
class Outcome:
    """What `attempt` left: events that must come again (their keys' later events too), and why."""

    unfinished: list[Received] = field(default_factory=list)
    error: DomainError | None = None
    blocked: set[TenantKey] = field(default_factory=set)
    failing_s: float = 0.0

    def holds(self, event: Received) -> bool:
        """True for events behind a failed one, and for all once failing has taken too long."""
        return tenant_key(event) in self.blocked or self.failing_s > FAILING_S_MAX

    def postpone(self, events: Sequence[Received], error: DomainError | None) -> None:
        self.unfinished += events
        self.blocked |= {tenant_key(event) for event in events}
        self.error = self.error or error


def call_of(consumer: str, events: Sequence[Received]) -> Call:
    """The context of a run: the tenant and original actor of its first event; the latest business time of the run.

    Handlers of runs with several events take time and cause from each event (`received.effective_at`, `cause=`).
    """
    first = events[0]
    return Call(
        tenant_id=first.tenant_id,
        actor=first.actor or f"service:{consumer}",
        role=Role.SERVICE,
        correlation_id=first.correlation_id,
        causation_id=str(first.id),
        traceparent=first.traceparent,
        effective_at=max(event.effective_at for event in events),
    )


class Processor:
    """Gives batches of events their effect in the service's database. Used by the Kafka loop and by the test mesh."""

    def __init__(self, database: Database, consumer: Consumer) -> None:
        self.database = database
        self.consumer = consumer

    async def process(self, batch: Sequence[Received]) -> None:
        """Returns when every event has taken effect, was seen before or is parked.

        Raises the transient DomainError that stopped it; the same batch may then be given again.
        """
        outcome = await self.attempt(batch)
        if outcome.error is not None:
            raise outcome.error

    async def attempt(self, batch: Sequence[Received], run_max: int | None = None) -> Outcome:
        """Does what can be done now. Keys that failed for the moment are skipped to their end, in order.

        Callers that try again and again make `run_max` smaller, so that one sick key does not hold its neighbours.
        """
        outcome = Outcome()
        handled = [event for event in batch if event.type in self.consumer.handlers or _unreadable(event)]
        for run in runs(handled, run_max or self.consumer.batch_max):
            held = [event for event in run if outcome.holds(event)]
            outcome.postpone(held, None)
            ready = [event for event in run if not outcome.holds(event)]
            if ready:
                await self._run(ready, outcome)
        return outcome

    async def _run(self, run: Sequence[Received], outcome: Outcome, *, again: bool = False) -> None:
        """`again`: the run is one event of one that failed before."""
        began = monotonic()
        try:
            await self.effect(run)
        except Exception as error:
            refusal = error if isinstance(error, DomainError) else translate(error)
            if refusal is not None and refusal.transient:
                outcome.failing_s += monotonic() - began
                outcome.postpone(run, refusal)
            elif len(run) == 1 and (again or not isinstance(refusal, UniqueViolated)):
                await self._bury(run[0], error, outcome)
            else:
                await self._one_by_one(run, outcome)

    async def _one_by_one(self, run: Sequence[Received], outcome: Outcome) -> None:
        """Also for a single event that lost a race for a row: it finds the row now."""
        for event in run:
            if outcome.holds(event):
                outcome.postpone([event], None)
            else:
                await self._run([event], outcome, again=True)

    async def effect(self, run: Sequence[Received]) -> None:
        """One transaction: inbox rows, the handler, commit; events of parked keys join their queue instead."""
        call = call_of(self.consumer.name, run)
        with calling(call), continued(call.traceparent):
            async with self.database.begin(call) as tx:
                claim = await inbox.claim(tx, self.consumer.name, run)
                failpoint("consumer.inbox_written")
                if claim.parked:
                    await dead_letter.park(tx, self.consumer.name, claim.parked)
                if claim.fresh:
                    await self.handle(tx, claim.fresh)
                failpoint("consumer.effect_done")
        failpoint("consumer.committed")
        DONE.labels(self.consumer.name, "done").inc(len(claim.fresh))
        DONE.labels(self.consumer.name, "parked").inc(len(claim.parked))
        DONE.labels(self.consumer.name, "repeated").inc(len(run) - len(claim.fresh) - len(claim.parked))

    async def handle(self, tx: Transaction, events: Sequence[Received]) -> None:
        """Calls the handler of the run's type. Raises UnreadableEvent for bytes that are not its message."""
        handler = self.consumer.handlers.get(events[0].type)
        if handler is None:
            raise UnreadableEvent("no handler knows this event", facts={"type": events[0].type})
        await handler.handle(tx, [(event, _parsed(handler, event)) for event in events])

    async def _bury(self, event: Received, error: Exception, outcome: Outcome) -> None:
        log.error(
            "event failed for good", consumer=self.consumer.name, type=event.type, id=str(event.id), exc_info=error
        )
        try:
            async with self.database.begin(call_of(self.consumer.name, [event])) as tx:
                await dead_letter.bury(tx, self.consumer.name, event, reason_of(error))
        except DomainError as refusal:
            outcome.postpone([event], refusal)
        else:
            DONE.labels(self.consumer.name, "failed").inc()


def reason_of(error: BaseException) -> str:
    """A stable word for the dead letter: the refusal's reason, else the exception's class. Never its text."""
    return error.reason if isinstance(error, DomainError) else type(error).__name__


def _parsed(handler: Handler, event: Received) -> Message:
    try:
        return handler.message.FromString(event.payload)
    except DecodeError as error:
        raise UnreadableEvent("the payload is not the message of its type", facts={"type": event.type}) from error


def _unreadable(event: Received) -> bool:
    return event.type == dead_letter.UNREADABLE
