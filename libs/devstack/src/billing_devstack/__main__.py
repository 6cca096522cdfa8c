"""`python -m billing_devstack up | down | status`: the supervisor, bare. `billing up` wraps it for people."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from billing_devstack import control
from billing_devstack.errors import StackError
from billing_devstack.kafka_jars import Progress
from billing_devstack.progress import download_bar
from billing_devstack.specs import SERVICES, EdgeSpec
from billing_devstack.stack import PARTS, Interrupted, Stack
from billing_devstack.state import PartStatus, StackStatus

INTERRUPTED_EXIT = 130


def main() -> int:
    arguments = _parser().parse_args()
    try:
        return int(arguments.run(arguments))
    except StackError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return 1


def up(arguments: argparse.Namespace) -> int:
    """Runs the stack until it is told to stop; with --detach, returns when it is up."""
    if arguments.detach:
        _show(control.up_detached(arguments.dir, _options(arguments)))
        return 0
    stopping = _on_signals()
    with _bar() as bar:
        try:
            stack = _up(arguments, bar, stopping)
        except Interrupted:
            print("interrupted", flush=True)
            os._exit(INTERRUPTED_EXIT)  # a download may still be going on in a thread
    _show(stack.status())
    stopping.wait()
    stack.down()
    return 0


def down(arguments: argparse.Namespace) -> int:
    print("stopped" if control.down(arguments.dir) else "nothing was running")
    return 0


def status(arguments: argparse.Namespace) -> int:
    """Exit code 0 when the stack is up, else 3."""
    now = control.status(arguments.dir)
    if arguments.json:
        print(json.dumps(now.to_json(), indent=1))
    else:
        _show(now)
    return 0 if now.phase == "up" else 3


def _up(arguments: argparse.Namespace, bar: Progress | None, stopping: threading.Event) -> Stack:
    chosen = [spec for spec in SERVICES if spec.name in arguments.services]
    return Stack.up(
        arguments.dir,
        arguments.parts,
        chosen,
        EdgeSpec() if arguments.edge else None,
        broker=arguments.broker,
        any_port=arguments.any_port,
        on_event=_say,
        on_progress=bar,
        interrupted=stopping.is_set,
    )


def _on_signals() -> threading.Event:
    """Set by SIGINT or SIGTERM. Children have sessions of their own: a Ctrl-C reaches this process alone."""
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    return stopping


def _bar() -> AbstractContextManager[Progress | None]:
    return download_bar() if sys.stderr.isatty() else nullcontext()


def _say(part: PartStatus) -> None:
    moved = f" (port {part.preferred} is taken)" if part.moved else ""
    note = (f" (started again {part.restarts} times)" if part.restarts else "") + (
        f": {part.note}" if part.note else ""
    )
    print(f"{part.part:14} {part.port or '':>5} {part.health}{moved}{note}", flush=True)


def _show(now: StackStatus) -> None:
    print(f"stack {now.phase}", flush=True)
    for part in now.parts:
        _say(part)
    for name, url in now.urls.items() if now.phase == "up" else ():
        print(f"  {name:22} {url}", flush=True)


def _options(arguments: argparse.Namespace) -> list[str]:
    options = ["--any-port"] if arguments.any_port else []
    options += ["--broker", arguments.broker, "--parts", ",".join(arguments.parts)]
    return [*options, "--services", ",".join(arguments.services), "--edge" if arguments.edge else "--no-edge"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m billing_devstack", description=__doc__)
    commands = parser.add_subparsers(required=True)
    start = _command(commands.add_parser("up", help="start the stack and watch over it"), up)
    start.add_argument("--detach", action="store_true", help="return when it is up; it goes on in the background")
    start.add_argument("--broker", choices=("kafka", "lite"), default="kafka")
    start.add_argument("--parts", type=_words(PARTS), default=list(PARTS))
    start.add_argument("--services", type=_words([spec.name for spec in SERVICES]), default=_names())
    start.add_argument("--any-port", action="store_true", help="leave the default ports alone")
    start.add_argument("--edge", action=argparse.BooleanOptionalAction, default=True)
    _command(commands.add_parser("down", help="end it, or what a killed one left"), down)
    look = _command(commands.add_parser("status", help="parts, ports, health, logs"), status)
    look.add_argument("--json", action="store_true")
    return parser


def _command(parser: argparse.ArgumentParser, run: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
    parser.add_argument("--dir", type=Path, default=Path(".billing"), help="the stack's folder (default: .billing)")
    parser.set_defaults(run=run)
    return parser


def _names() -> list[str]:
    return [spec.name for spec in SERVICES]


def _words(allowed: Sequence[str]) -> Callable[[str], list[str]]:
    """A comma-separated choice; empty for none."""
    known = list(allowed)

    def parse(text: str) -> list[str]:
        words = [word for word in text.split(",") if word]
        if unknown := [word for word in words if word not in known]:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: not one of {', '.join(known)}")
        return words

    return parse


if __name__ == "__main__":
    sys.exit(main())
