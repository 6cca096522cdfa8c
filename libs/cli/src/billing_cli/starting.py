"""Starting a stack while a person watches: in the foreground until Ctrl-C, or detached."""

import os
import signal
import threading
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from billing_devstack import control
from billing_devstack.errors import StackError
from billing_devstack.kafka import Kind
from billing_devstack.stack import AlreadyRunning, Interrupted, Stack
from billing_devstack.state import PartStatus, StackStatus
from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from billing_cli import console
from billing_cli.errors import CliError
from billing_cli.mesh import Mesh
from billing_cli.stack_view import download_of, paste_lines, plain_line, stack_table

LOOK_S = 0.5
INTERRUPTED_EXIT = 130
MEGABYTE = 1_000_000


@dataclass(slots=True)
class Screen:
    """Draws the table in place on a terminal; elsewhere prints a line for each change."""

    base: Path
    live: Live = field(default_factory=lambda: Live(console=console.out, auto_refresh=False))
    bar: Progress = field(
        default_factory=lambda: Progress(
            TextColumn("downloading Apache Kafka"), BarColumn(), DownloadColumn(), TimeRemainingColumn()
        )
    )
    _task: TaskID | None = None
    _said: dict[str, str] = field(default_factory=dict)

    def opened(self) -> AbstractContextManager[object]:
        return self.live if console.out.is_terminal else nullcontext()

    def show(self, status: StackStatus) -> None:
        if console.out.is_terminal:
            self.live.update(self.drawing(status), refresh=True)
            return
        for part in status.parts:
            self.say(part)

    def say(self, part: PartStatus) -> None:
        """One line, unless it was said before."""
        line = plain_line(part)
        if not console.out.is_terminal and "." not in part.part and self._said.get(part.part) != line:
            self._said[part.part] = line
            console.out.print(line, markup=False, soft_wrap=True)

    def drawing(self, status: StackStatus) -> RenderableType:
        """The table, and below it the bar of the first download while that goes on."""
        table, download = stack_table(status, self.base), download_of(status.parts)
        if download is None:
            return table
        done, total = (MEGABYTE * each for each in download)
        if self._task is None:
            self._task = self.bar.add_task("jars", total=total)
        self.bar.update(self._task, completed=done, total=total)
        return Group(table, self.bar)


def up_detached(root: Path, broker: Kind) -> StackStatus:
    """Starts a supervisor in the background and shows how the parts come up. Raises CliError."""
    screen = Screen(Path.cwd())
    try:
        with screen.opened():
            return control.up_detached(root, ["--broker", broker], screen.show)
    except AlreadyRunning:
        raise CliError(f"a stack is already running in {root}", "billing status") from None
    except StackError as error:
        raise CliError(str(error), f"logs: {root}/logs") from error


def up_attached(root: Path, broker: Kind) -> None:
    """Runs the stack until Ctrl-C or SIGTERM; the data stays. Raises CliError."""
    stopping = _on_signals()
    screen = Screen(Path.cwd())
    watcher = _Watcher(root, screen)
    try:
        with screen.opened(), watcher:
            stack = Stack.up(root, broker=broker, on_event=screen.say, interrupted=stopping.is_set)
            console.out.print(
                paste(root), markup=False, soft_wrap=True
            )  # above the table: long lines must not be redrawn
            stopping.wait()
            stack.down()
    except Interrupted:
        console.err.print("interrupted")
        os._exit(INTERRUPTED_EXIT)  # a download may still be going on in a thread
    except AlreadyRunning:
        raise CliError(f"a stack is already running in {root}", "billing status, or billing down") from None
    except StackError as error:
        raise CliError(str(error), f"logs: {root}/logs") from error
    console.out.print("stopped; the data stays in", str(root))


def paste(root: Path) -> str:
    """Lines to paste for the stack that is up in `root`, with a fresh token."""
    mesh = Mesh.of(root)
    tenant = mesh.tenant(None)
    return paste_lines(dict(mesh.status.urls), tenant, mesh.token(tenant))


class _Watcher:
    """Redraws the table whenever the state has changed."""

    def __init__(self, root: Path, screen: Screen) -> None:
        self._root = root
        self._screen = screen
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watch-screen", daemon=True)

    def __enter__(self) -> None:
        if console.out.is_terminal:
            self._thread.start()

    def __exit__(self, *error: object) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()
            self._screen.show(control.status(self._root))

    def _watch(self) -> None:
        while not self._over.wait(LOOK_S):
            self._screen.show(control.status(self._root))


def _on_signals() -> threading.Event:
    """Set by Ctrl-C or SIGTERM. Children have sessions of their own: a Ctrl-C reaches this process alone."""
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    return stopping
