"""A process that imports what all services need, once, and then forks them: memory is shared and starts are quick.

Run as `python -m billing_devstack.forkserver <descriptor> <module>...`, controlled by JSON lines over a socket:
in {"id", "module", "argv", "env", "cwd", "log"}; out {"ready", "threads"}, {"id", "pid"} and {"exit", "code"}.
It must stay free of threads and of gRPC objects, which do not survive a fork. When the socket closes or SIGTERM
comes, it ends its children and itself.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import psutil

END_S = 10.0


class Server:
    """The loop of the parent. `run` returns in the parent with None and in each child with its request."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._children: set[int] = set()
        self._buffer = b""
        self._ending = False
        self._wake_read, self._wake_write = socket.socketpair()

    def run(self) -> Mapping[str, Any] | None:
        self._wake_write.setblocking(False)
        signal.set_wakeup_fd(self._wake_write.fileno())
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self._ask_to_end)
        with selectors.DefaultSelector() as selector:
            selector.register(self._channel, selectors.EVENT_READ)
            selector.register(self._wake_read, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select()}
                if self._wake_read in ready:
                    self._wake_read.recv(4096)
                self._reap()
                received = self._channel.recv(1 << 16) if self._channel in ready else b""
                if self._ending or (self._channel in ready and not received):
                    self._end_all()
                    return None
                if received:
                    request = self._handle(received)
                    if request is not None:
                        return request

    def send(self, message: Mapping[str, Any]) -> None:
        with suppress(OSError):
            self._channel.sendall(json.dumps(message).encode() + b"\n")

    def _ask_to_end(self, *_signal: object) -> None:
        self._ending = True

    def _handle(self, received: bytes) -> Mapping[str, Any] | None:
        *lines, self._buffer = (self._buffer + received).split(b"\n")
        for line in lines:
            request: Mapping[str, Any] = json.loads(line)
            pid = os.fork()
            if pid == 0:
                self._leave()
                return request
            self._children.add(pid)
            self.send({"id": request["id"], "pid": pid})
        return None

    def _leave(self) -> None:
        """In the child: nothing of the parent's machinery is kept."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        for channel in (self._channel, self._wake_read, self._wake_write):
            channel.close()

    def _reap(self) -> None:
        while self._children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            self._children.discard(pid)
            self.send({"exit": pid, "code": os.waitstatus_to_exitcode(status)})

    def _end_all(self) -> None:
        """The supervisor is gone: so are we, and our children first."""
        deadline = time.monotonic() + END_S
        for number in (signal.SIGTERM, signal.SIGKILL):
            for pid in self._children:
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
            while self._children and (number == signal.SIGKILL or time.monotonic() < deadline):
                self._reap()
                time.sleep(0.02)


def become(request: Mapping[str, Any]) -> None:
    """Turns this fresh fork into `python -m <module> <argv>` with its own session, log, folder and environment."""
    os.setsid()
    log = os.open(request["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    for descriptor in (1, 2):
        os.dup2(log, descriptor)
    os.close(log)
    os.environ.clear()
    os.environ.update(request["env"])
    if request["cwd"]:
        os.chdir(request["cwd"])
    sys.argv = [request["module"], *request["argv"]]
    runpy.run_module(request["module"], run_name="__main__", alter_sys=True)


def preload(modules: list[str]) -> list[str]:
    """Imports what can be imported and returns the names of what cannot: its service will say why itself."""
    failed = []
    for module in modules:
        try:
            importlib.import_module(module)
        except Exception:
            failed.append(module)
    gc.collect()
    gc.freeze()  # a later collection would touch, and so copy, every page
    return failed


def main() -> None:
    channel = socket.socket(fileno=int(sys.argv[1]))
    server = Server(channel)
    failed = preload(sys.argv[2:])
    if failed:
        print("not loaded ahead:", ", ".join(failed), flush=True)
    server.send({"ready": True, "threads": psutil.Process().num_threads()})
    request = server.run()
    if request is not None:
        become(request)


if __name__ == "__main__":
    main()
