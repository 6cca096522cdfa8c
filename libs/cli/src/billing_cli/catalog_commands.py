"""billing catalog export | diff | apply."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
import yaml

from billing_cli import console
from billing_cli.catalog_file import Written, read
from billing_cli.catalog_schema import CATALOG, from_api, schema_of
from billing_cli.errors import CliError
from billing_cli.mesh import DEFAULT_DIR, Mesh
from billing_cli.options import Dir, Tenant
from billing_cli.rest import Json, RestClient, RestError

HEAD = "# What this tenant sells. Change it, look at `billing catalog diff FILE`, then `billing catalog apply FILE`.\n"
STYLES = {"CREATE": "green", "NEW_VERSION": "cyan", "UPDATE": "yellow", "ARCHIVE": "red", "UNCHANGED": "dim"}
SIGNS = {"CREATE": "+", "NEW_VERSION": "^", "UPDATE": "~", "ARCHIVE": "-", "UNCHANGED": "="}
WIDTH = 120

CatalogFile = Annotated[Path, typer.Argument(help="A catalogue in YAML.")]


def export(
    file: Annotated[Path | None, typer.Argument(help="Where to; default: to the screen.")] = None,
    archived: Annotated[bool, typer.Option("--archived", help="Archived things too.")] = False,
    tenant: Tenant = None,
    root: Dir = DEFAULT_DIR,
) -> None:
    """Write everything that is sold as one YAML file."""
    mesh = Mesh.of(root)
    found = asyncio.run(_export(mesh.client(mesh.tenant(tenant)), archived))
    text = as_yaml(found)
    if file is None:
        console.out.print(text, end="", markup=False, soft_wrap=True)
        return
    try:
        file.write_text(text)
    except OSError as error:
        raise CliError(f"{file} cannot be written: {error.strerror}") from error
    console.out.print(f"{file}  {summary(found)}", markup=False, soft_wrap=True)


def diff(file: CatalogFile, tenant: Tenant = None, root: Dir = DEFAULT_DIR) -> None:
    """Show what applying a catalogue would do; changes nothing."""
    _apply(file, tenant, root, dry_run=True)


def apply(
    file: CatalogFile,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")] = False,
    tenant: Tenant = None,
    root: Dir = DEFAULT_DIR,
) -> None:
    """Make what is sold as the catalogue says, all or nothing. Applied twice, the second time changes nothing."""
    _apply(file, tenant, root, dry_run=dry_run)


def as_yaml(catalog: Json) -> str:
    """The file of a catalogue as the API answers it."""
    found = from_api(catalog, schema_of(CATALOG))
    return HEAD + yaml.safe_dump(found, sort_keys=False, allow_unicode=True, width=WIDTH)


def summary(catalog: Json) -> str:
    """How many of each kind."""
    kinds = ("product", "feature", "plan", "add_on", "coupon")
    counts = [(len(catalog.get(f"{kind}s", ())), kind.replace("_", "-")) for kind in kinds]
    return ", ".join(f"{count} {kind}{'' if count == 1 else 's'}" for count, kind in counts)


def lines_of(actions: list[Json]) -> list[tuple[str, str]]:
    """(text, style) of each line about actions; what stays is counted alone."""
    shown: list[tuple[str, str]] = []
    counts = dict.fromkeys(STYLES, 0)
    for action in actions:
        verb = str(action["verb"]).removeprefix("CATALOG_VERB_")
        kind = str(action["kind"]).removeprefix("CATALOG_KIND_").lower().replace("_", "-")
        counts[verb] += 1
        if verb != "UNCHANGED":
            words = verb.lower().replace("_", " ")
            shown.append((f"{SIGNS[verb]} {kind} {action['code']}: {words}", STYLES[verb]))
        for each in action.get("differences", ()):
            was, becomes = each.get("before") or "nothing", each.get("after") or "nothing"
            shown.append((f"    {each['path']}: {was} -> {becomes}", "default"))
    told = [f"{count} {verb.lower().replace('_', ' ')}" for verb, count in counts.items() if count]
    return [*shown, (", ".join(told) or "nothing in the file", "bold")]


def _apply(file: Path, tenant: str | None, root: Path, *, dry_run: bool) -> None:
    written = read(file, schema_of(CATALOG))
    mesh = Mesh.of(root)
    body = {"catalog": written.value, "dry_run": dry_run}
    try:
        answer = asyncio.run(_post(mesh.client(mesh.tenant(tenant)), "/v1/catalog:apply", body))
    except RestError as error:
        raise placed(error, written, "catalog.") from error
    for text, style in lines_of(answer.get("actions", [])):
        console.out.print(text, style=style, markup=False, soft_wrap=True)


def placed(error: RestError, written: Written, prefix: str = "") -> CliError:
    """The refusal with the lines of the file; itself when it names no field."""
    if not error.violations:
        return error
    hints = []
    for violation in error.violations:
        path, _, text = violation.partition(": ")
        hints.append(written.place(path.removeprefix(prefix), text))
    return CliError(f"{written.name}: {error.reason} {error.said}".rstrip(), "\n".join(hints))


async def _export(client: RestClient, archived: bool) -> Json:
    async with client:
        query = {"include_archived": "true"} if archived else {}
        found: Json = (await client.get("/v1/catalog", **query)).get("catalog", {})
        return found


async def _post(client: RestClient, path: str, body: Json) -> Json:
    async with client:
        return await client.post(path, body)
