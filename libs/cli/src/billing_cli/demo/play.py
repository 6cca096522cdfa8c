"""Three months: events are delivered before the clock passes the end of their month, then time moves and bills."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from rich.progress import Progress, TaskID

from billing_cli.demo.cast import CUSTOMERS
from billing_cli.demo.event_file import MEDIA_TYPE, Delivery, batches, body
from billing_cli.demo.months import BEFORE, Calendar
from billing_cli.errors import CliError
from billing_cli.options import rfc3339
from billing_cli.rest import Json, RestClient

AT_ONCE = 4
POLL_S = 0.05
MOVE_S = 60.0


@dataclass(slots=True)
class Taken:
    """What the API said about the deliveries."""

    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    reasons: set[str] = field(default_factory=set)

    def add(self, answer: Json) -> None:
        self.accepted += int(answer.get("accepted", 0))
        self.duplicates += int(answer.get("duplicates", 0))
        self.rejected += int(answer.get("rejected", 0))
        self.reasons |= {str(each["error"].get("reason")) for each in answer.get("results", ()) if each.get("error")}


@dataclass(frozen=True, slots=True)
class Act:
    """Something that is done when the clock stands at `at`."""

    at: datetime
    do: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Stage:
    """Who plays, and where the progress is drawn."""

    client: RestClient
    calendar: Calendar
    bar: Progress
    events: TaskID
    time: TaskID

    async def play(self, deliveries: Sequence[Delivery], acts: Sequence[Act] = ()) -> Taken:
        """Delivers, acts (`acts` in order of time) and advances until the last invoice is paid.

        Raises RestError, CliError.
        """
        taken = Taken()
        await self._advance(self.calendar.opening)  # the first fees fall due at sign-up
        sent = acted = 0
        for stop in self.calendar.stops(CUSTOMERS):
            due = sum(act.at < stop for act in acts)
            for act in acts[acted:due]:
                await self._advance(act.at)
                await act.do()
            acted = due
            await self._advance(stop - BEFORE)
            until = sum(delivery.recorded_at < stop for delivery in deliveries)
            await self._deliver(deliveries[sent:until], taken)
            sent = until
        await self._advance(self.calendar.closing)
        return taken

    async def _deliver(self, deliveries: Sequence[Delivery], taken: Taken) -> None:
        limit = asyncio.Semaphore(AT_ONCE)

        async def send(batch: list[Delivery]) -> None:
            async with limit:
                taken.add(await self.client.post_bytes("/v1/usage/cloudevents", body(batch), MEDIA_TYPE))
            self.bar.advance(self.events, len(batch))

        await asyncio.gather(*(send(batch) for batch in batches(deliveries)))

    async def _advance(self, to: datetime) -> None:
        """Moves the clock and waits until everything due is done."""
        await self.client.post("/v1/test_clock:advance", {"to": rfc3339(to)})
        deadline = asyncio.get_running_loop().time() + MOVE_S
        while not arrived(clock := (await self.client.get("/v1/test_clock"))["clock"]):
            self._show(clock)
            if asyncio.get_running_loop().time() > deadline:
                raise CliError(f"the clock stands at {clock.get('now')} on its way to {rfc3339(to)}", "billing logs")
            await asyncio.sleep(POLL_S)
        self._show(clock)
        if not clock.get("settled"):
            raise CliError(f"the clock gave up at {clock.get('now')}: something due cannot be done", "billing logs")

    def _show(self, clock: Json) -> None:
        now = datetime.fromisoformat(str(clock["now"]))
        passed = (now - self.calendar.opening).total_seconds()
        self.bar.update(self.time, completed=max(passed, 0), now=f"{now:%d %b %Y}")


def arrived(clock: Json) -> bool:
    """Whether the clock stands."""
    return not clock.get("target")
