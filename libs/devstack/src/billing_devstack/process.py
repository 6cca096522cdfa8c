"""Child processes: started in a session of their own, logged to a file, ended surely and never mistaken for others."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import psutil

from billing_devstack.errors import StartFailed

TOKEN_VARIABLE = "BILLING_CHILD_TOKEN"
POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class Identity:
    """Which process a pid meant: a pid that was given away later has another start mark.

    `token` is in the environment of the child and of all that it forks.
    """

    pid: int
    started: str
    token: str = ""

    def alive(self) -> bool:
        return start_mark(self.pid) == self.started

    def to_json(self) -> dict[str, Any]:
        return {"pid": self.pid, "started": self.started, "token": self.token}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Identity:
        return cls(int(value["pid"]), str(value["started"]), str(value.get("token", "")))


@dataclass(frozen=True, slots=True)
class Command:
    """What to run and how to end it. `environment` is complete: nothing is inherited."""

    name: str
    argv: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    cwd: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    grace_s: float = 10.0
    descriptors: Sequence[int] = ()


class Handle(Protocol):
    """What subprocess.Popen offers, and the fork server's children too."""

    @property
    def pid(self) -> int: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int) -> None: ...


class Child:
    """A process that this one has started, itself or through a fork server."""

    def __init__(self, command: Command, handle: Handle, identity: Identity) -> None:
        self.command = command
        self.identity = identity
        self._handle = handle

    @property
    def pid(self) -> int:
        return self._handle.pid

    def alive(self) -> bool:
        return self._handle.poll() is None

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative: the signal that ended it."""
        return self._handle.poll()

    def listens(self, port: int) -> bool:
        """True when it, and nobody else, is who listens on this TCP port: itself or one of its children."""
        try:
            leader = psutil.Process(self.pid)
            family = [leader, *leader.children(recursive=True)]
            return any(_listens(process, port) for process in family)
        except psutil.Error:
            return False

    def wait(self, timeout_s: float) -> int:
        """The exit code, once it has ended. Kills it and raises StartFailed when time is up."""
        try:
            return self._handle.wait(timeout_s)
        except subprocess.TimeoutExpired as error:
            self.kill()
            raise StartFailed(self.command.name, f"not done after {timeout_s:.0f} s", self.command.log) from error

    def stop(self) -> int:
        """Asks, waits `grace_s`, kills what is left of its session. Returns the exit code; safe to call twice."""
        if self.alive():
            with suppress(ProcessLookupError):
                self._handle.send_signal(self.command.stop_signal)
            with suppress(subprocess.TimeoutExpired):
                self._handle.wait(self.command.grace_s)
        return self.kill()

    def kill(self) -> int:
        """SIGKILL for the child and all that it left in its session."""
        if self.alive():
            with suppress(ProcessLookupError):
                self._handle.send_signal(signal.SIGKILL)
        code = self._handle.wait()
        kill_remnants(self.identity)
        return code


def spawn(command: Command) -> Child:
    """Starts the command in a new session, output appended to its log. Raises StartFailed if it cannot be executed."""
    command.log.parent.mkdir(parents=True, exist_ok=True)
    token = uuid4().hex
    with command.log.open("ab") as log:
        try:
            popen = subprocess.Popen(
                list(command.argv),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**command.environment, TOKEN_VARIABLE: token},
                cwd=command.cwd,
                start_new_session=True,
                pass_fds=tuple(command.descriptors),
            )
        except OSError as error:
            raise StartFailed(command.name, str(error), command.log) from error
    return Child(command, popen, Identity(popen.pid, start_mark(popen.pid) or "", token))


def wait_ready(child: Child, ready: Callable[[], bool], timeout_s: float, poll_s: float = POLL_S) -> None:
    """Polls until `ready()`. Kills the child and raises StartFailed when it ends or time is up; so does any error."""
    deadline = time.monotonic() + timeout_s
    try:
        while not ready():
            if not child.alive():
                raise StartFailed(child.command.name, f"ended with code {child.exit_code}", child.command.log)
            if time.monotonic() > deadline:
                raise StartFailed(child.command.name, f"not ready after {timeout_s:.0f} s", child.command.log)
            time.sleep(poll_s)
    except BaseException:
        child.kill()
        raise


def start_mark(pid: int) -> str | None:
    """What tells two processes of the same pid apart; None when there is no such process (a zombie counts as none)."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return _linux_mark(pid) or f"{process.create_time():.2f}"
    except (psutil.Error, OSError):
        return None


def end(identity: Identity, stop_signal: signal.Signals = signal.SIGTERM, grace_s: float = 10.0) -> bool:
    """Ends a process that an earlier, killed supervisor left behind. True if anything was there to end.

    A pid that belongs to somebody else by now is left alone.
    """
    was_alive = identity.alive()
    if was_alive:
        _signal(identity.pid, stop_signal)
        if not _gone(identity, grace_s):
            _signal(identity.pid, signal.SIGKILL)
            _gone(identity, grace_s)
    return kill_remnants(identity) or was_alive


def kill_remnants(identity: Identity) -> bool:
    """SIGKILL for what a dead child left behind in its session. True if there was anything."""
    found = [process for process in psutil.process_iter() if _belongs(process, identity)]
    for process in found:
        with suppress(psutil.Error):
            process.kill()
    return bool(found)


def end_all_in(folder: Path, program: str, stop_signal: signal.Signals, grace_s: float = 10.0) -> None:
    """Ends every `program` whose working folder is `folder`. Only for whoever holds the lock of that folder."""
    for number in (stop_signal, signal.SIGKILL):
        for process in _working_in(folder, program):
            _signal(process.pid, number)
        deadline = time.monotonic() + grace_s
        while _working_in(folder, program) and time.monotonic() < deadline:
            time.sleep(POLL_S)


def _working_in(folder: Path, program: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.name().startswith(program) and Path(process.cwd()) == folder:
                found.append(process)
    return found


def _belongs(process: psutil.Process, identity: Identity) -> bool:
    if not identity.token or process.pid == os.getpid():
        return False
    try:
        if os.getsid(process.pid) != identity.pid:
            return False
        return process.environ().get(TOKEN_VARIABLE) == identity.token
    except (psutil.Error, OSError):
        return False


def _listens(process: psutil.Process, port: int) -> bool:
    sockets = process.net_connections("tcp")
    return any(one.status == psutil.CONN_LISTEN and one.laddr and one.laddr.port == port for one in sockets)


def _linux_mark(pid: int) -> str | None:
    """Boot id and start tick, which no change of the clock moves. None off Linux."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return None
    ticks = stat.read_text().rpartition(")")[2].split()[19]
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot}:{ticks}"


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _gone(identity: Identity, timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while identity.alive():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True
