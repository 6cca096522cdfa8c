"""billing price preview."""

import asyncio
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import typer
from billing_kernel.decimals import InvalidDecimal, format_decimal

from billing_cli import console
from billing_cli.catalog_commands import placed
from billing_cli.catalog_file import Written, read, read_text
from billing_cli.catalog_schema import PRICE, schema_of
from billing_cli.errors import BadArgument
from billing_cli.mesh import DEFAULT_DIR, Mesh
from billing_cli.options import Dir, Tenant, instant_of, rfc3339
from billing_cli.rest import Json, RestClient, RestError


def preview(
    file: Annotated[Path | None, typer.Argument(help="A price in YAML, such as `per_unit: {unit_amount: 5}`.")] = None,
    model: Annotated[str | None, typer.Option(help="The same written here.")] = None,
    price_id: Annotated[str | None, typer.Option("--price-id", help="A price that is sold: price_...")] = None,
    currency: Annotated[str, typer.Option(help="Its currency; a price that is sold has its own.")] = "EUR",
    quantity: Annotated[str | None, typer.Option("-q", "--quantity", help="What is used.")] = None,
    event: Annotated[list[str] | None, typer.Option(help="The value of an event; may be repeated.")] = None,
    billed: Annotated[str | None, typer.Option(help="The quantity that was billed before.")] = None,
    at: Annotated[str | None, typer.Option(help="When, for prices in units with a dated rate.")] = None,
    tenant: Tenant = None,
    root: Dir = DEFAULT_DIR,
) -> None:
    """Show what a price makes of a usage, step by step, by the code that bills."""
    written = _written(file, model, price_id)
    question: dict[str, Any] = {"price_id": price_id} if written is None else {"price": written.value}
    if written is not None:
        question["currency_code"] = currency
    question |= _usage(quantity, event)
    if billed is not None:
        question["billed_quantity"] = billed
    if at is not None:
        question["at_time"] = rfc3339(instant_of(at))
    mesh = Mesh.of(root)
    try:
        answer = asyncio.run(_ask(mesh.client(mesh.tenant(tenant)), question))
    except RestError as error:
        raise (placed(error, written, "price.") if written is not None else error) from error
    for text, style in lines_of(answer):
        console.out.print(text, style=style, markup=False, soft_wrap=True)


def lines_of(answer: Json) -> list[tuple[str, str]]:
    """(text, style): the sentence, the parts that have a name, the tree."""
    shown = [(str(answer["sentence"]), "bold")]
    for part in answer.get("components", ()):
        exact = part["exact_amount"]
        shown.append((f"  {part['name']}: {_ratio(exact)} {exact['currency_code']}", "cyan"))
    if answer.get("free_units"):
        shown.append((f"  free units: {answer['free_units']}", "cyan"))
    return [*shown, ("", "default"), *((line, "default") for line in str(answer["text"]).splitlines())]


def _ratio(exact: Json) -> str:
    """A decimal where there is one, else the fraction."""
    value = Fraction(int(exact["numerator"]), int(exact["denominator"]))
    try:
        return format_decimal(value)
    except InvalidDecimal:
        return str(value)


def _written(file: Path | None, model: str | None, price_id: str | None) -> Written | None:
    """The price that is written in a file or here; None for one that is sold. Raises BadArgument."""
    if [file, model, price_id].count(None) != 2:
        raise BadArgument("name one price", "a FILE, or --model, or --price-id")
    if file is not None:
        return read(file, schema_of(PRICE))
    return None if model is None else read_text(model, schema_of(PRICE), "--model")


def _usage(quantity: str | None, events: list[str] | None) -> Json:
    if quantity is not None and events:
        raise BadArgument("either a quantity or events", "--quantity 10, or --event 10 --event 5")
    if events:
        return {"events": {"events": [{"value": value} for value in events]}}
    return {} if quantity is None else {"quantity": quantity}


async def _ask(client: RestClient, question: Json) -> Json:
    async with client:
        return await client.post("/v1/prices:preview", question)
