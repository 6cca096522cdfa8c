"""Run every static check, two at a time, and print one line for each; the output of failed ones follows.

Usage: python -m tools.check [NAME ...]     without names: all; exit code 1 when one fails
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tools.bootstrap import ROOT, members
from tools.gen_protos import stage_third_party

BIN = Path(sys.executable).parent
AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    promise: str
    command: tuple[str, ...]
    mend: str


@dataclass(frozen=True, slots=True)
class Outcome:
    step: Step
    passed: bool
    seconds: float
    output: str


def tool(name: str, *arguments: str) -> tuple[str, ...]:
    return (str(BIN / name), *arguments)


def ours(module: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", f"tools.{module}", *arguments)


def sources() -> list[str]:
    """Every source folder written by hand, one mypy invocation for all of them."""
    return [str((member / "src").relative_to(ROOT)) for member in members() if member.name != "protos"] + ["tools"]


def steps() -> tuple[Step, ...]:
    """Slowest first: the table is complete soonest."""
    return (
        Step("types", "mypy --strict", tool("mypy", *sources()), "annotate what mypy names"),
        Step("walls", "import-linter", tool("lint-imports", "--no-logo"), "DESIGN walls: see CONTRIBUTING"),
        Step("generated", "libs/protos is what protos/ says", ours("gen_protos", "--check"), "make protos"),
        Step("docs", "tables of docs/ are fresh", ours("docs", "--check"), "make docs"),
        Step("breaking", "buf breaking against main", ours("breaking"), "add a field or a version instead"),
        Step("proto-lint", "buf lint", tool("buf", "lint"), "mend the proto"),
        Step("proto-format", "buf format", tool("buf", "format", "--diff", "--exit-code", "protos"), "make fmt"),
        Step("format", "ruff format", tool("ruff", "format", "--check", "--quiet", "."), "make fmt"),
        Step(
            "lint",
            "ruff check",
            tool("ruff", "check", "--quiet", "--output-format=concise", "."),
            "make fmt, then by hand",
        ),
        Step("dependencies", "imports are declared", ours("dependencies"), "add it to the member's pyproject.toml"),
        Step("sizes", "functions <= 60 lines, files <= 300", ours("size_ratchet"), "split it"),
        Step("hygiene", "no hosts, paths, secrets", ours("hygiene"), "take it out"),
    )


def run(step: Step) -> Outcome:
    began = time.monotonic()
    done = subprocess.run(
        step.command,
        cwd=ROOT,
        env={**os.environ, "NO_COLOR": "1", "TERM": "dumb"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    return Outcome(step, done.returncode == 0, time.monotonic() - began, done.stdout.strip())


def run_all(chosen: Sequence[Step]) -> Iterator[Outcome]:
    """The outcomes in the order in which they end."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for finished in as_completed([pool.submit(run, step) for step in chosen]):
            yield finished.result()


def line(outcome: Outcome) -> Text:
    mark, colour = ("✓", "green") if outcome.passed else ("✗", "red")
    text = Text.assemble((f" {mark} ", colour), (f"{outcome.step.name:<14}", "bold"))
    return text.append(f"{outcome.step.promise:<37}").append(f"{outcome.seconds:6.1f} s", "dim")


def show(console: Console, chosen: Sequence[Step]) -> list[Outcome]:
    outcomes = []
    with console.status(f"{len(chosen)} checks"):
        for outcome in run_all(chosen):
            outcomes.append(outcome)
            console.print(line(outcome))
    return outcomes


def explain(console: Console, failures: Sequence[Outcome]) -> None:
    for failure in failures:
        console.rule(f"[red]{failure.step.name}[/]  ({failure.step.mend})", align="left")
        console.print(failure.output, markup=False, highlight=False, soft_wrap=True)


def select(names: Sequence[str]) -> list[Step]:
    unknown = set(names) - {step.name for step in steps()}
    if unknown:
        sys.exit(f"no such check: {', '.join(sorted(unknown))}; there are: {', '.join(s.name for s in steps())}")
    return [step for step in steps() if not names or step.name in names]


def main(names: Sequence[str]) -> int:
    console = Console()
    chosen = select(names)
    stage_third_party()
    began = time.monotonic()
    failures = [outcome for outcome in show(console, chosen) if not outcome.passed]
    explain(console, failures)
    verdict = f"[red]{len(failures)} of {len(chosen)} failed" if failures else f"[green]all {len(chosen)} passed"
    console.print(f"{verdict}[/] in {time.monotonic() - began:.1f} s")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
