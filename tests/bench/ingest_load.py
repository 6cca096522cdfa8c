"""The client of the ingest ratio, a process of its own: batches are made first, then sent with a few in flight."""

import asyncio
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

import grpc
import uvloop
from billing.usage.v1 import usage_event_pb2
from billing.usage.v1 import usage_service_pb2 as usage

INGEST = "/billing.usage.v1.UsageService/IngestEvents"
IN_FLIGHT = 4


@dataclass(frozen=True)
class Order:
    """`first` numbers the batches, so that no event was sent before; each has `size` events at `now_s`."""

    address: str
    token: str
    first: int
    batches: int
    size: int
    now_s: int
    meter_code: str


@dataclass(frozen=True)
class Sent:
    seconds: float
    accepted: int


def requests(order: Order) -> list[bytes]:
    return [_request(order, order.first + number) for number in range(order.batches)]


def _request(order: Order, batch: int) -> bytes:
    events = usage.IngestEventsRequest()
    for number in range(order.size):
        event: usage_event_pb2.UsageEvent = events.events.add()
        event.id = f"{batch:08d}-{number:06d}"
        event.source = "bench"
        event.meter_code = order.meter_code
        event.external_customer_id = f"customer-{(batch * order.size + number) % 5000}"
        event.time.seconds = order.now_s - number % 3600
        event.value = str(1 + number % 100)
    return events.SerializeToString()


async def send(order: Order) -> Sent:
    """Raises grpc.RpcError; every answer's results are counted."""
    ready = requests(order)
    async with grpc.aio.insecure_channel(order.address) as channel:
        call = channel.unary_unary(INGEST, None, usage.IngestEventsResponse.FromString)
        metadata = (("authorization", f"Bearer {order.token}"),)
        await channel.channel_ready()
        waiting, accepted = iter(ready), [0] * IN_FLIGHT

        async def lane(place: int, bodies: Iterator[bytes]) -> None:
            for body in bodies:
                answer: usage.IngestEventsResponse = await call(body, metadata=metadata, timeout=30)
                assert len(answer.results) == order.size
                accepted[place] += answer.accepted

        began = time.perf_counter()
        await asyncio.gather(*(lane(place, waiting) for place in range(IN_FLIGHT)))
        return Sent(time.perf_counter() - began, sum(accepted))


def main(words: Sequence[str]) -> None:
    print(json.dumps(asdict(uvloop.run(send(Order(**json.loads(words[0])))))))


if __name__ == "__main__":
    main(sys.argv[1:])
