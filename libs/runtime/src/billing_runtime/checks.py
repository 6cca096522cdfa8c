"""The checks that every service has: its database, and Kafka where it is configured."""

import asyncio
from typing import TYPE_CHECKING

from billing_runtime.health import Check

if TYPE_CHECKING:
    from billing_runtime.database import Database


def database_check(database: "Database") -> Check:
    """Ready means: a pooled connection answers."""

    async def probe() -> None:
        async with database.engine.connect() as connection:
            await connection.exec_driver_sql("SELECT 1")

    return Check("database", probe)


def kafka_check(bootstrap_servers: str, *, decides: bool) -> Check:
    """Ready means: a broker answers. Calls go on without it (the outbox waits), so it decides only for relay and
    consume."""
    from confluent_kafka.admin import AdminClient  # only where Kafka is used

    client = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0})

    async def probe() -> None:
        await asyncio.to_thread(client.list_topics, timeout=1.5)

    return Check("kafka", probe, decides)
