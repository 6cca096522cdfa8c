"""The data parts as supervised units: PostgreSQL, Valkey and the bus, or what stands in for them elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from billing_devstack import kafka, kafka_home, kafka_jars, postgres, valkey
from billing_devstack.databases import ServiceDatabase, passwords, provision
from billing_devstack.environment import External
from billing_devstack.kafka import Broker, Kind
from billing_devstack.kafka_jars import JarsMissing, Progress
from billing_devstack.layout import Layout
from billing_devstack.ports import Port, listening
from billing_devstack.state import Board
from billing_devstack.unit import Unit

DEFAULT_PORTS: Mapping[str, int] = {
    "postgres": postgres.DEFAULT_PORT,
    "valkey": valkey.DEFAULT_PORT,
    "kafka": kafka.DEFAULT_PORT,
    "kafka.controller": kafka.DEFAULT_CONTROLLER_PORT,
}
LITE_NOTE = "WARNING: lite broker, in memory: events are lost when it stops"
MEGABYTE = 1_000_000


class DataParts:
    """Makes the units of the parts that the stack runs itself; says where each part is, wherever it runs."""

    def __init__(self, layout: Layout, board: Board, ports: Mapping[str, Port], elsewhere: External) -> None:
        self._layout = layout
        self._board = board
        self._ports = ports
        self._elsewhere = elsewhere
        self.broker: Kind = "kafka"
        for part, url in self._given().items():
            board.change(part, health="external", note="given by the environment" if url else "")

    @property
    def kafka_bootstrap_servers(self) -> str:
        """Empty when the stack has no bus."""
        return self._elsewhere.kafka_bootstrap_servers or self._address("kafka")

    @property
    def redis_url(self) -> str:
        """Empty when the stack has no cache, which services do without."""
        address = self._address("valkey")
        return self._elsewhere.redis_url or (f"redis://{address}/0" if address else "")

    def runs_here(self, part: str) -> bool:
        return part not in self._given()

    def postgres_unit(self) -> Unit:
        port, log = self._ports["postgres"].number, self._layout.log("postgres")
        return Unit(
            "postgres",
            self._board,
            log,
            start=lambda: postgres.start(self._layout.postgres, port, log),
            healthy=lambda: listening(port) and postgres.answers(self.superuser_dsn()),
        )

    def valkey_unit(self) -> Unit:
        port, log = self._ports["valkey"].number, self._layout.log("valkey")
        return Unit(
            "valkey",
            self._board,
            log,
            start=lambda: valkey.start(self._layout.valkey, port, log),
            healthy=lambda: valkey.answers(port),
        )

    def superuser_dsn(self) -> str:
        """Who may make databases and roles."""
        return self._elsewhere.database_url or postgres.superuser_dsn(
            self._layout.postgres, self._ports["postgres"].number
        )

    def databases(self, services: Sequence[str]) -> dict[str, ServiceDatabase]:
        """Provisions one database a service."""
        dsn = self.superuser_dsn()
        return {name: provision(dsn, name, passwords(self._layout.secrets, name)) for name in services}

    def start_broker(self, on_progress: Progress | None) -> Broker:
        """Real Kafka; the lite broker when it was asked for, or, with a warning, when the jars cannot be had."""
        port, log = self._ports["kafka"].number, self._layout.log("kafka")
        if self.broker == "kafka":
            try:
                home = kafka_home.prepare(kafka_jars.cache_folder(), log, self._say, self._progress(on_progress))
                return kafka.start(home, self._layout.kafka, port, self._ports["kafka.controller"].number, log)
            except JarsMissing as missing:
                self.broker = "lite"
                self._say(f"{missing}: taking the lite broker")
        return kafka.start_lite(port, log)

    def settle_topics(self) -> None:
        """Makes the topics and says it when the bus forgets."""
        kafka.create_topics(self.kafka_bootstrap_servers, replicas=1 if self.runs_here("kafka") else -1)
        if self.broker == "lite" and self.runs_here("kafka"):
            self._board.change("kafka", note=LITE_NOTE)

    def kafka_log(self) -> Path:
        return self._layout.log("kafka")

    def _address(self, part: str) -> str:
        return self._ports[part].address if part in self._ports else ""

    def _given(self) -> dict[str, str]:
        given = {
            "postgres": self._elsewhere.database_url,
            "kafka": self._elsewhere.kafka_bootstrap_servers,
            "valkey": self._elsewhere.redis_url,
        }
        return {part: url for part, url in given.items() if url}

    def _say(self, text: str) -> None:
        self._board.change("kafka", note=text)

    def _progress(self, further: Progress | None) -> Progress:
        def show(done: int, total: int) -> None:
            self._say(f"downloading Kafka: {done // MEGABYTE} of {total // MEGABYTE} MB")
            if further is not None:
                further(done, total)

        return show
