"""Where output goes: people's text to stdout, progress and errors to stderr."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from billing_cli.errors import CliError

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def complain(error: CliError) -> None:
    """One red line, the hint below it."""
    err.print(f"[bold red]error:[/] {_plain(error.message)}", soft_wrap=True)
    for line in error.hint.splitlines():
        err.print(f"  {_plain(line)}", style="dim", soft_wrap=True)


def work_bar() -> Progress:
    """The bar of work that a service does: its tasks have the fields `rate` and `failures`, texts that may be empty."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[failures]}", style="red"),
    )
    return Progress(*columns, console=err)


def _plain(text: str) -> str:
    return text.replace("[", r"\[")
