"""billing import: takes over customers and running subscriptions of another system."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, TextIO

import typer

from billing_cli import console
from billing_cli.import_file import ImportFile, Line, Position
from billing_cli.mesh import DEFAULT_DIR, Mesh
from billing_cli.options import Dir, Tenant
from billing_cli.rest import Json, RestClient

PATH = "/v1/subscriptions:import"
BATCH = 200
SHOWN_MAX = 20
REFUSED_EXIT = 2
NO_JSON = {"reason": "INVALID_JSON", "message": "the line is no JSON object of at most 64 KiB"}


def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE.ndjson", help="One item a line, as the API takes it.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, write nothing.")] = False,
    batch: Annotated[int, typer.Option(min=1, max=500, help="Items a call.")] = BATCH,
    tenant: Tenant = None,
    root: Dir = DEFAULT_DIR,
) -> None:
    """Import customers and subscriptions; goes on where it stopped; exit code 2 when an item was refused."""
    mesh = Mesh.of(root)
    source = ImportFile.opened(file)
    position = asyncio.run(imported(mesh.client(mesh.tenant(tenant)), source, dry_run=dry_run, batch=batch))
    tell(source, position, dry_run=dry_run)
    if position.refused:
        raise typer.Exit(REFUSED_EXIT)


async def imported(client: RestClient, source: ImportFile, *, dry_run: bool, batch: int = BATCH) -> Position:
    """Sends every line that was not sent yet. Refused ones are written to the file's `.refused`, each with why."""
    position = Position(source.fingerprint) if dry_run else source.position()
    with (
        console.work_bar() as bar,
        source.refused_path.open("a" if position.line else "w") as refused,
    ):
        doing = "checking" if dry_run else "importing"
        task = bar.add_task(doing, total=source.lines, completed=position.line, rate="", failures="")
        async with client:
            for lines in source.batches(position.line, batch):
                _count(position, await _sent(client, lines, dry_run), lines, refused)
                if not dry_run:
                    refused.flush()
                    source.keep(position)
                speed = bar.tasks[task].speed
                failures = f"{position.refused:,} refused" if position.refused else ""
                rate = f"{speed:,.0f}/s" if speed else ""
                bar.update(task, completed=position.line, rate=rate, failures=failures)
        bar.update(task, completed=source.lines)
    if not dry_run:
        source.forget()
    if not position.refused:
        source.refused_path.unlink()
    return position


async def _sent(client: RestClient, lines: Sequence[Line], dry_run: bool) -> Iterator[Json]:
    """A result for each line, in order; what is no JSON is not sent."""
    items = [line.item for line in lines if line.item is not None]
    answer = await client.post(PATH, {"items": items, "dry_run": dry_run}) if items else {}
    results = iter(answer.get("results", ()))
    refusal: Json = {"outcome": "IMPORT_OUTCOME_REFUSED", "error": NO_JSON}
    return iter([refusal if line.item is None else next(results) for line in lines])


def _count(position: Position, results: Iterator[Json], lines: Sequence[Line], refused: TextIO) -> None:
    for line, result in zip(lines, results, strict=True):
        match str(result.get("outcome", "")).removeprefix("IMPORT_OUTCOME_"):
            case "IMPORTED":
                position.imported += 1
            case "EXISTING":
                position.existing += 1
            case _:
                position.refused += 1
                refused.write(json.dumps({"line": line.number, **result.get("error", {}), "item": line.item}) + "\n")
    position.line = lines[-1].number


def tell(source: ImportFile, position: Position, *, dry_run: bool) -> None:
    """The report: counts, and the first refused lines."""
    done = "would be imported" if dry_run else "imported"
    counts = f"{position.imported:,} {done}, {position.existing:,} there already, {position.refused:,} refused"
    console.out.print(f"{source.path.name}: {counts}", markup=False, soft_wrap=True)
    if not position.refused:
        return
    with source.refused_path.open() as file:
        for _, text in zip(range(SHOWN_MAX), file, strict=False):
            each = json.loads(text)
            where = f"{each['field']}: " if each.get("field") else ""
            line = f"{each['line']:>7}  {each.get('reason', '')}  {where}{each.get('message', '')}"
            console.err.print(line, style="yellow", markup=False, soft_wrap=True)
    console.err.print(f"each of them: {source.refused_path}", style="yellow", markup=False, soft_wrap=True)
