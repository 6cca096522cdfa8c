"""billing run, billing pdf."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from billing_cli import console
from billing_cli.errors import CliError
from billing_cli.mesh import DEFAULT_DIR, Mesh
from billing_cli.options import Dir, Tenant, instant_of, rfc3339
from billing_cli.rest import Json, RestClient

POLL_S = 0.2
PARKED_EXIT = 2
COMPLETE = "BILLING_RUN_STATE_COMPLETE"
CLAIMING = "BILLING_RUN_STATE_CLAIMING"


def run(
    as_of: Annotated[str, typer.Option("--as-of", help="Bill what is due at this time, such as 2025-09-01.")],
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Show progress until the run is complete.")] = False,
    draft: Annotated[bool, typer.Option("--draft", help="Leave the invoices as drafts.")] = False,
    tenant: Tenant = None,
    root: Dir = DEFAULT_DIR,
) -> None:
    """Start a billing run; exit code 2 when a watched run had to park something."""
    mesh = Mesh.of(root)
    body = {"as_of": rfc3339(instant_of(as_of)), "mode": f"INVOICE_MODE_{'DRAFT' if draft else 'FINAL'}"}
    found = asyncio.run(_run(mesh.client(mesh.tenant(tenant)), body, watch))
    console.out.print(summary(found), markup=False, soft_wrap=True)
    if count(found, "parked"):
        console.err.print("what was parked: GET /v1/parked_dues", style="yellow")
        raise typer.Exit(PARKED_EXIT)


def pdf(
    invoice_id: Annotated[str, typer.Argument(help="inv_...")],
    out: Annotated[Path | None, typer.Option(help="Where to; default: <invoice id>.pdf")] = None,
    tenant: Tenant = None,
    root: Dir = DEFAULT_DIR,
) -> None:
    """Download the PDF of an invoice that is final."""
    mesh = Mesh.of(root)
    path = out or Path(f"{invoice_id}.pdf")
    content = asyncio.run(_download(mesh.client(mesh.tenant(tenant)), invoice_id))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise CliError(f"{path} cannot be written: {error.strerror}") from error
    console.out.print(f"{path}  {len(content):,} bytes", soft_wrap=True)


def count(run: Json, field: str) -> int:
    """A counter of a run: int64 travels as text, zero may be left out."""
    return int(run.get(field, 0))


def summary(run: Json) -> str:
    """One line about a run."""
    counts = ", ".join(f"{count(run, name)} {name}" for name in ("published", "settled", "parked", "invoices"))
    state = str(run.get("state", "")).removeprefix("BILLING_RUN_STATE_").lower()
    return f"{run.get('run_id', '')} {state}: {counts}"


async def _run(client: RestClient, body: Json, watch: bool) -> Json:
    async with client:
        started: Json = (await client.post("/v1/billing_runs", body))["run"]
        return await _watched(client, started) if watch else started


async def _watched(client: RestClient, run: Json) -> Json:
    with console.work_bar() as bar:
        task = bar.add_task("claiming", total=None, rate="", failures="")
        while run.get("state") != COMPLETE:
            await asyncio.sleep(POLL_S)
            run = (await client.get(f"/v1/billing_runs/{run['run_id']}"))["run"]
            speed = bar.tasks[task].speed
            bar.update(
                task,
                description="claiming" if run.get("state") == CLAIMING else "settling",
                total=count(run, "published") if run.get("state") != CLAIMING else None,
                completed=count(run, "settled"),
                rate=f"{speed:,.0f}/s" if speed else "",
                failures=f"{count(run, 'parked')} parked" if count(run, "parked") else "",
            )
    return run


async def _download(client: RestClient, invoice_id: str) -> bytes:
    async with client:
        return await client.download(f"/v1/invoices/{invoice_id}/pdf")
