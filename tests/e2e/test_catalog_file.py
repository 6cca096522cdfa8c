"""The catalogue as a file through the edge, as `billing catalog` and `billing price preview` send it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
import pytest_asyncio
from billing_cli.catalog_commands import as_yaml, lines_of, placed
from billing_cli.catalog_file import Written, read_text
from billing_cli.catalog_schema import CATALOG, PRICE, schema_of
from billing_cli.errors import BadArgument
from billing_cli.rest import Json, RestClient, RestError

from tests.e2e.mesh import Mesh

FILE = """\
version: 1
products:
- {code: suite, name: Suite}
features:
- {code: sso, name: Single sign-on}
plans:
- code: pro
  name: Pro
  version:
    currency_code: EUR
    interval: {unit: MONTH, count: 1}
    items:
    - code: seats
      name: Seats
      kind: SEAT
      timing: ADVANCE
      price:
        graduated:
          tiers:
          - {up_to: 10, unit_amount: 10.00}
          - {unit_amount: 8.00}
      tax_category: digital_service
      tax_behavior: EXCLUSIVE
      product_code: suite
    terms:
      entitlements:
      - {feature_code: sso}
add_ons:
- code: support
  content:
    name: Support
    kind: FLAT
    timing: ADVANCE
    currency_code: EUR
    price: {flat: {amount: 5}}
    tax_category: digital_service
    tax_behavior: EXCLUSIVE
coupons:
- code: spring
  terms: {name: Spring, percent: 10, duration: ONCE}
"""


@pytest_asyncio.fixture
async def client(mesh: Mesh) -> AsyncIterator[RestClient]:
    async with RestClient(mesh.rest_url, mesh.token(uuid4())) as opened:
        yield opened


def written(text: str) -> Written:
    return read_text(text, schema_of(CATALOG), "catalog.yaml")


async def apply(client: RestClient, text: str, *, dry_run: bool = False) -> list[str]:
    """What is said about it, the count last."""
    body = {"catalog": written(text).value, "dry_run": dry_run}
    return [line for line, _ in lines_of((await client.post("/v1/catalog:apply", body))["actions"])]


async def export(client: RestClient) -> Json:
    found: Json = (await client.get("/v1/catalog"))["catalog"]
    return found


async def test_a_file_is_applied_exported_and_applied_again(client: RestClient) -> None:
    assert (await apply(client, FILE, dry_run=True))[-1] == "5 create"
    assert not (await export(client)).get("plans")
    assert (await apply(client, FILE))[-1] == "5 create"
    text = as_yaml(await export(client))
    assert "kind: SEAT" in text
    assert await apply(client, text) == ["5 unchanged"]
    assert await apply(client, FILE.replace("8.00", "7.50"), dry_run=True) == [
        "^ plan pro: new version",
        '    version.items[0].price.graduated.tiers[1].unit_amount: "8" -> "7.5"',
        "1 new version, 4 unchanged",
    ]


async def test_a_refusal_names_the_line_and_changes_nothing(client: RestClient) -> None:
    holes = FILE.replace("          - {unit_amount: 8.00}\n", "          - {up_to: 5, unit_amount: 8.00}\n")
    with pytest.raises(RestError) as refused:
        await apply(client, holes)
    told = placed(refused.value, written(holes), "catalog.")
    assert told.hint.splitlines()[0].startswith(
        "catalog.yaml:21: plans[0].version.items[0].price.graduated.tiers[1].up_to:"
    )
    assert not (await export(client)).get("products")


async def test_unknown_keys_are_refused_with_their_line_and_by_the_edge(client: RestClient) -> None:
    unknown = FILE.replace("  name: Pro\n", "  name: Pro\n  versions: {}\n")
    with pytest.raises(BadArgument) as complained:
        written(unknown)
    assert complained.value.hint == "catalog.yaml:9: plans[0].versions: is no known key: did you mean 'version'?"
    body = {"catalog": {"version": 1, "plans": [{"code": "pro", "name": "Pro", "versions": {}}]}}
    with pytest.raises(RestError) as refused:
        await client.post("/v1/catalog:apply", body)
    assert (refused.value.http_status, refused.value.reason) == (400, "INVALID_JSON")


async def test_a_price_is_tried_before_it_is_sold(client: RestClient) -> None:
    price = read_text("per_unit: {unit_amount: 0.0025}", schema_of(PRICE), "--model").value
    question = {"price": price, "currency_code": "EUR", "quantity": "1000"}
    answer = await client.post("/v1/prices:preview", question)
    assert answer["amount"] == {"currency_code": "EUR", "amount_minor": "250"}
    assert answer["sentence"] == "1000 units × 0.0025 EUR per unit = 2.50 EUR"
