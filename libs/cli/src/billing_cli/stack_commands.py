"""billing up, status, down, logs."""

import json
import time
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from billing_devstack import control
from billing_devstack.errors import StackError
from billing_devstack.layout import Layout

from billing_cli import console, starting
from billing_cli.errors import BadArgument, CliError
from billing_cli.mesh import DEFAULT_DIR
from billing_cli.options import Dir
from billing_cli.stack_view import stack_table

NOT_UP_EXIT = 3
TAIL_LINES = 20
POLL_S = 0.2


class Broker(StrEnum):
    """Real Apache Kafka, or the small in-memory broker of the same protocol."""

    KAFKA = "kafka"
    LITE = "lite"


def up(
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Go on in the background.")] = False,
    broker: Annotated[Broker, typer.Option(help="kafka is real and keeps its data; lite forgets.")] = Broker.KAFKA,
    root: Dir = DEFAULT_DIR,
) -> None:
    """Start PostgreSQL, Valkey, Kafka, Envoy and the five services; data stays in the stack's folder."""
    if not detach:
        starting.up_attached(root, broker.value)
        return
    began = time.monotonic()
    starting.up_detached(root, broker.value)
    console.out.print(f"[green]up[/] in {time.monotonic() - began:.1f} s; stop it with: billing down")
    console.out.print(starting.paste(root), markup=False, soft_wrap=True)


def status(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False, root: Dir = DEFAULT_DIR
) -> None:
    """Show parts, ports, health and logs; exit code 3 when the stack is not up."""
    now = control.status(root)
    if as_json:
        typer.echo(json.dumps(now.to_json(), indent=1))
    elif not now.parts:
        console.out.print(f"no stack in {root}")
    else:
        console.out.print(stack_table(now, Path.cwd()))
        for name, url in now.urls.items() if now.phase == "up" else ():
            console.out.print(f"  [dim]{name:<22}[/] {url}", soft_wrap=True)
    if now.phase != "up":
        raise typer.Exit(NOT_UP_EXIT)


def down(root: Dir = DEFAULT_DIR) -> None:
    """Stop the stack, or what a killed one left; data stays."""
    try:
        with console.err.status("stopping"):
            ended = control.down(root)
    except StackError as error:
        raise CliError(str(error)) from error
    console.out.print(f"stopped; the data stays in {root}" if ended else "nothing was running")


def logs(
    part: Annotated[str | None, typer.Argument(help="A part; all of them when none is named.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines are written.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last lines.")] = TAIL_LINES,
    root: Dir = DEFAULT_DIR,
) -> None:
    """Print the last lines of a part's log."""
    paths = _logs_of(Layout(root.resolve()), part)
    for path in paths:
        for line in tail(path, lines):
            _print_line(path, line, len(paths) > 1)
    if follow:
        _follow(paths)


def tail(path: Path, lines: int) -> list[str]:
    """The last lines of a file."""
    return path.read_text(errors="replace").splitlines()[-lines:] if lines else []


def _logs_of(layout: Layout, part: str | None) -> list[Path]:
    found = sorted(layout.log("any").parent.glob("*.log"))
    if part is None:
        return found
    path = layout.log(part)
    if path not in found:
        raise BadArgument(f"there is no log of {part!r}", f"logs: {', '.join(each.stem for each in found) or 'none'}")
    return [path]


def _follow(paths: list[Path]) -> None:
    """Ends with Ctrl-C."""
    sources = {path: _new_lines(path) for path in paths}
    while True:
        for path, source in sources.items():
            for line in next(source):
                _print_line(path, line, len(paths) > 1)
        time.sleep(POLL_S)


def _new_lines(path: Path) -> Iterator[list[str]]:
    """Each time: the whole lines that were added since the time before."""
    with path.open(errors="replace") as file:
        file.seek(0, 2)
        rest = ""
        while True:
            *whole, rest = (rest + file.read()).split("\n")
            yield whole


def _print_line(path: Path, line: str, named: bool) -> None:
    console.out.print(f"{path.stem:<14} {line}" if named else line, markup=False, soft_wrap=True)
