"""What runs beside the server in each role. Imported as needed: serving needs no Kafka client in memory."""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from billing_runtime.consumer import Consumer
    from billing_runtime.database import Database
    from billing_runtime.jobs import Job

ROLES = ("serve", "relay", "consume", "jobs", "migrate", "all")

Loop = Coroutine[Any, Any, None]


@dataclass(frozen=True)
class Work:
    """What there is to do besides answering calls."""

    database: "Database"
    bootstrap_servers: str
    consumers: "Sequence[Consumer]"
    jobs: "Sequence[Job]"


def background(role: str, work: Work, stop: asyncio.Event) -> list[Loop]:
    """The loops of a role; each runs until `stop` is set."""
    loops: list[Loop] = []
    if role in ("relay", "all"):
        loops.append(_relay(work, stop))
    if role in ("consume", "all"):
        loops += [_consume(work, consumer, stop) for consumer in work.consumers]
    if role in ("jobs", "all"):
        loops.append(_jobs(work, stop))
    return loops


async def _relay(work: Work, stop: asyncio.Event) -> None:
    from billing_runtime.producer import KafkaProducer
    from billing_runtime.relay import Relay

    producer = KafkaProducer(work.bootstrap_servers)
    try:
        await Relay(work.database, producer).run(stop)
    finally:
        await producer.close()


async def _consume(work: Work, consumer: "Consumer", stop: asyncio.Event) -> None:
    from billing_runtime.consumer import Processor
    from billing_runtime.kafka_loop import KafkaLoop

    await KafkaLoop(Processor(work.database, consumer), work.bootstrap_servers).run(stop)


async def _jobs(work: Work, stop: asyncio.Event) -> None:
    from billing_runtime.jobs import JobRunner
    from billing_runtime.maintenance import maintenance_jobs

    given = {job.name for job in work.jobs}
    kept = [job for job in maintenance_jobs(work.database) if job.name not in given]
    await JobRunner(work.database, [*work.jobs, *kept]).run(stop)
