"""The supervisor's side of the fork server: children that look like any other child."""

from __future__ import annotations

import itertools
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from billing_devstack.errors import StartFailed
from billing_devstack.process import Child, Command, Identity, spawn, start_mark

READY_S = 60.0
REPLY_S = 20.0
END_S = 15.0
UNKNOWN_EXIT = -1


class ForkedHandle:
    """A child of the fork server. Its exit code comes from there; UNKNOWN_EXIT when the server died first."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.code: int | None = None
        self.ended = threading.Event()

    @property
    def pid(self) -> int:
        return self.identity.pid

    def poll(self) -> int | None:
        return self.code if self.ended.is_set() else None

    def wait(self, timeout: float | None = None) -> int:
        if not self.ended.wait(timeout):
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return UNKNOWN_EXIT if self.code is None else self.code

    def send_signal(self, sig: int) -> None:
        if not self.ended.is_set():
            os.kill(self.pid, sig)

    def finish(self, code: int) -> None:
        self.code = code
        self.ended.set()


class ForkServer:
    """Starts the server; `fork` is what `spawn` is for ordinary processes."""

    def __init__(self, modules: Sequence[str], log: Path, environment: Mapping[str, str]) -> None:
        """Returns at once; the imports go on in the background. Raises StartFailed."""
        ours, theirs = socket.socketpair()
        with theirs:
            argv = [sys.executable, "-m", "billing_devstack.forkserver", str(theirs.fileno()), *modules]
            command = Command("forkserver", argv, log, environment, grace_s=END_S, descriptors=(theirs.fileno(),))
            self.child = spawn(command)
        self._channel = ours
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._replies: dict[int, int] = {}
        self._changed = threading.Condition()
        self._handles: dict[int, ForkedHandle] = {}
        self._early_exits: dict[int, int] = {}
        self._threads = 0
        self._closed = False
        threading.Thread(target=self._read, name="forkserver", daemon=True).start()

    def usable(self) -> bool:
        """Waits for the imports. False when the server is gone or has a thread, which no fork survives."""
        with self._changed:
            self._changed.wait_for(lambda: self._threads or self._closed, READY_S)
            return self._threads == 1 and not self._closed

    def fork(self, command: Command, module: str, argv: Sequence[str]) -> Child:
        """Runs `python -m <module> <argv>` as a fork; the command gives log, environment and how to stop.

        Raises StartFailed when the server does not answer.
        """
        command.log.parent.mkdir(parents=True, exist_ok=True)
        request = {"id": next(self._numbers), "module": module, "argv": list(argv), "log": str(command.log)}
        request |= {"env": dict(command.environment), "cwd": str(command.cwd or "")}
        pid = self._ask(request, command)
        identity = Identity(pid, start_mark(pid) or "", self.child.identity.token)
        return Child(command, self._adopt(identity), identity)

    def stop(self) -> None:
        """Ends the server, which ends what it still has."""
        with suppress(OSError):
            self._channel.shutdown(socket.SHUT_RDWR)  # the reader holds the socket too
        self._channel.close()
        self.child.stop()

    def _ask(self, request: Mapping[str, Any], command: Command) -> int:
        try:
            with self._lock:
                self._channel.sendall(json.dumps(request).encode() + b"\n")
        except OSError as error:
            raise StartFailed(command.name, "the fork server is gone", self.child.command.log) from error
        number = int(request["id"])
        with self._changed:
            self._changed.wait_for(lambda: number in self._replies or self._closed, REPLY_S)
            if number not in self._replies:
                raise StartFailed(command.name, "the fork server does not answer", self.child.command.log)
            return self._replies.pop(number)

    def _adopt(self, identity: Identity) -> ForkedHandle:
        handle = ForkedHandle(identity)
        with self._changed:
            if identity.pid in self._early_exits:
                handle.finish(self._early_exits.pop(identity.pid))
            elif self._closed:
                self._watch_alone(handle)
            else:
                self._handles[identity.pid] = handle
        return handle

    def _read(self) -> None:
        try:
            with self._channel.makefile("rb") as lines:
                for line in lines:
                    self._take(json.loads(line))
        except (OSError, ValueError):
            pass
        with self._changed:
            self._closed = True
            for handle in self._handles.values():
                self._watch_alone(handle)
            self._changed.notify_all()

    def _take(self, message: Mapping[str, Any]) -> None:
        with self._changed:
            if "ready" in message:
                self._threads = int(message["threads"])
            elif "exit" in message:
                self._note_exit(int(message["exit"]), int(message["code"]))
            else:
                self._replies[int(message["id"])] = int(message["pid"])
            self._changed.notify_all()

    def _note_exit(self, pid: int, code: int) -> None:
        handle = self._handles.pop(pid, None)
        if handle is None:
            self._early_exits[pid] = code
        else:
            handle.finish(code)

    def _watch_alone(self, handle: ForkedHandle) -> None:
        """Without a server to tell, look at the process itself."""

        def look() -> None:
            while handle.identity.alive():
                time.sleep(0.2)
            handle.finish(UNKNOWN_EXIT)

        threading.Thread(target=look, daemon=True).start()
