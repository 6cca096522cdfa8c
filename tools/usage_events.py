"""Write a file of usage events: CloudEvents 1.0 in the JSON batch format, one event a line, in the order of delivery.

Usage: python -m tools.usage_events --start 2025-08 --customer acme,Europe/Berlin,1,100 --out usage_events.json

The same arguments make the same bytes. Every event's time lies in one of the months from --start on, in the time zone
of its customer; `recordedtime` says when it is delivered, always before that month ends. A share is delivered twice
(same id, same content), another share hours or days late.
"""

import argparse
import json
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

SOURCE = "//gateway.example/api"
ROUTES = ("/v1/search", "/v1/render", "/v1/translate", "/v1/status")
PROMPT = timedelta(seconds=2)  # how long an event takes that is neither late nor a duplicate
LATE = (timedelta(hours=1), timedelta(days=3))
AGAIN = timedelta(minutes=30)
TICK = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Customer:
    """Who uses: its external id, the zone of its months, its share of the events, the most calls in one event."""

    external_id: str
    zone: str
    share: int
    calls_max: int


@dataclass(frozen=True, slots=True)
class Order:
    """What to make. `events` counts lines, duplicates included; shares in percent of the lines."""

    start: datetime  # the first month, naive: its first day
    customers: Sequence[Customer]
    months: int = 3
    events: int = 20_000
    seed: int = 7
    meter: str = "api_calls"
    duplicate_percent: int = 5
    late_percent: int = 1

    @property
    def duplicates(self) -> int:
        return self.events * self.duplicate_percent // 100

    @property
    def late(self) -> int:
        return self.events * self.late_percent // 100


@dataclass(frozen=True, slots=True)
class Event:
    """One delivery."""

    id: UUID
    customer: Customer
    at: datetime
    recorded_at: datetime
    month_ends: datetime
    calls: int
    route: str


def month_start(first: datetime, index: int, zone: str) -> datetime:
    """Local midnight of the first day of the month that lies `index` months after `first`, in UTC."""
    months = first.year * 12 + first.month - 1 + index
    return datetime(months // 12, months % 12 + 1, 1, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def deliveries(order: Order) -> list[Event]:
    """All deliveries, in the order in which they happen."""
    chance = random.Random(f"usage-events {order.seed}")
    once = [_event(order, chance) for _ in range(order.events - order.duplicates)]
    twice = set(chance.sample(range(len(once)), order.duplicates))
    can_be_late = [n for n, event in enumerate(once) if n not in twice and event.at + 2 * LATE[0] < event.month_ends]
    late = set(chance.sample(can_be_late, order.late))
    delivered = [_late(event, chance) if n in late else event for n, event in enumerate(once)]
    delivered += [_again(once[n], chance) for n in sorted(twice)]
    return sorted(delivered, key=lambda event: (event.recorded_at, event.id))


def document(event: Event, meter: str) -> dict[str, Any]:
    """The CloudEvent."""
    return {
        "specversion": "1.0",
        "id": str(event.id),
        "source": SOURCE,
        "type": meter,
        "subject": f"customer/{event.customer.external_id}",
        "time": _text(event.at),
        "recordedtime": _text(event.recorded_at),
        "data": {"value": event.calls, "route": event.route},
    }


def lines(order: Order) -> Iterator[str]:
    """The file, line by line."""
    written = [json.dumps(document(event, order.meter), separators=(",", ":")) for event in deliveries(order)]
    yield "[\n"
    yield ",\n".join(written)
    yield "\n]\n"


def _event(order: Order, chance: random.Random) -> Event:
    customer = chance.choices(order.customers, [each.share for each in order.customers])[0]
    index = chance.randrange(order.months)
    starts, ends = (month_start(order.start, n, customer.zone) for n in (index, index + 1))
    at = starts + TICK * chance.randrange((ends - starts) // TICK)
    recorded_at = min(at + TICK * chance.randrange(PROMPT // TICK), ends - TICK)
    calls = chance.randint(1, customer.calls_max)
    return Event(_id(at, chance), customer, at, recorded_at, ends, calls, chance.choice(ROUTES))


def _late(event: Event, chance: random.Random) -> Event:
    shortest, longest = LATE
    delay = shortest + TICK * chance.randrange((longest - shortest) // TICK)
    return replace(event, recorded_at=min(event.at + delay, event.month_ends - TICK))


def _again(event: Event, chance: random.Random) -> Event:
    delay = TICK * chance.randrange(AGAIN // TICK)
    return replace(event, recorded_at=min(event.recorded_at + delay, event.month_ends - TICK))


def _id(at: datetime, chance: random.Random) -> UUID:
    """The layout of UUIDv7: milliseconds since 1970, then chance."""
    milliseconds = (at - datetime(1970, 1, 1, tzinfo=UTC)) // TICK
    tail = (0x7 << 76) | (chance.getrandbits(12) << 64) | (0b10 << 62) | chance.getrandbits(62)
    return UUID(int=milliseconds << 80 | tail)


def _text(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 1000:03}Z"


def _customer(text: str) -> Customer:
    try:
        external_id, zone, share, calls_max = text.split(",")
        ZoneInfo(zone)
        return Customer(external_id, zone, int(share), int(calls_max))
    except (ValueError, LookupError, OSError) as error:
        raise argparse.ArgumentTypeError("EXTERNAL_ID,TIME_ZONE,SHARE,CALLS_MAX") from error


def _month(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m")  # noqa: DTZ007  # each customer has a zone of its own


def _order(arguments: argparse.Namespace) -> Order:
    return Order(arguments.start, arguments.customer, arguments.months, arguments.events, arguments.seed)


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.usage_events", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--start", type=_month, required=True, metavar="YYYY-MM", help="the first month")
    parser.add_argument("--customer", type=_customer, action="append", required=True, metavar="ID,ZONE,SHARE,CALLS_MAX")
    parser.add_argument("--months", type=int, default=3)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args(argv)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    with arguments.out.open("w") as file:
        file.writelines(lines(_order(arguments)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
