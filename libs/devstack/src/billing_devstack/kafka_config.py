"""The configuration files of the one-node broker."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

SERVER_FILE = "server.properties"
LOG_FILE = "log4j2.properties"

_ONE_NODE: Mapping[str, str] = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "auto.create.topics.enable": "false",
    "num.partitions": "3",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "4",
}
_QUICK: Mapping[str, str] = {
    "group.initial.rebalance.delay.ms": "0",
    "group.consumer.min.heartbeat.interval.ms": "500",
    "group.consumer.heartbeat.interval.ms": "500",
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
}
_SMALL: Mapping[str, str] = {
    "log.segment.bytes": "16777216",
    "log.index.size.max.bytes": "1048576",
    "log.cleaner.dedupe.buffer.size": "8388608",
    "log.cleaner.threads": "1",
    "log.cleaner.backoff.ms": "2000",
    "log.retention.check.interval.ms": "10000",
    "num.network.threads": "2",
    "num.io.threads": "2",
    "num.recovery.threads.per.data.dir": "1",
    "background.threads": "2",
}
_LOGGING: Mapping[str, str] = {
    "status": "warn",
    "appender.out.type": "Console",
    "appender.out.name": "OUT",
    "appender.out.layout.type": "PatternLayout",
    "appender.out.layout.pattern": "%d %p %c{1} - %m%n",
    "rootLogger.level": "WARN",
    "rootLogger.appenderRef.out.ref": "OUT",
}


def write(folder: Path, data: Path, port: int, controller_port: int) -> Path:
    """Writes both files into `folder` and returns the path of server.properties.

    The ports may differ from start to start: a static voter list keeps none on disk.
    """
    places = {
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "log.dirs": str(data),
    }
    server = folder / SERVER_FILE
    server.write_text(_lines({**_ONE_NODE, **_QUICK, **_SMALL, **places}))
    (folder / LOG_FILE).write_text(_lines(_LOGGING))
    return server


def _lines(values: Mapping[str, str]) -> str:
    """Java properties; a backslash would start an escape."""
    return "".join(f"{name}={value.replace(chr(92), chr(92) * 2)}\n" for name, value in values.items())
