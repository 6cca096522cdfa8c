"""Catalogue files: the form that is committed, what comes back as it was, and the line of every complaint."""

import json

import pytest
import yaml
from billing.common.v1 import price_model_pb2
from billing.subscriptions.v1 import catalog_pb2
from billing_cli.catalog_commands import as_yaml, placed, summary
from billing_cli.catalog_commands import lines_of as action_lines
from billing_cli.catalog_file import read, read_text
from billing_cli.catalog_schema import CATALOG, PRICE, from_api, schema_of
from billing_cli.errors import BadArgument, CliError
from billing_cli.main import commands
from billing_cli.price_commands import lines_of as price_lines
from billing_cli.rest import Refused, RestError
from google.protobuf.json_format import MessageToDict, ParseDict
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from tools import catalog_schema

FILE = """\
version: 1
products:
- {code: suite, name: Suite}
features:
- {code: sso, name: Single sign-on, metadata: {team: "1"}}
plans:
- code: pro
  name: Pro
  version:
    currency_code: EUR
    interval: {unit: MONTH, count: 1}
    trial_days: 14
    items:
    - code: base
      name: Base fee
      kind: FLAT
      timing: ADVANCE
      price: {flat: {amount: 49.00}}
      tax_category: digital_service
      tax_behavior: EXCLUSIVE
      currency_prices:
      - {currency_code: USD, price: {flat: {amount: 0.10}}}
    - code: calls
      name: Calls
      kind: METERED
      timing: ARREARS
      meter_code: api_calls
      tax_category: digital_service
      tax_behavior: EXCLUSIVE
      price:
        dynamic: {}
        adjustments:
          rounding: {mode: DOWN, places: 0}
    terms:
      effective_time: 2026-01-01T00:00:00Z
      change_rules:
      - {kind: UPGRADE, settlement: AT_ONCE}
      trial_needs_payment_method: true
      minimum_commitments:
      - amount: {currency_code: EUR, amount_minor: 10000}
      entitlements:
      - {feature_code: sso, value: gold}
      - {feature_code: calls, metered: {meter_code: api_calls, limit: 100}}
coupons:
- code: spring
  terms: {name: Spring, percent: 12.5, duration: PERIODS, duration_periods: 3}
"""


def catalog(text):
    return read_text(text, schema_of(CATALOG), "catalog.yaml")


def complaints(text, schema=CATALOG):
    with pytest.raises(BadArgument) as refused:
        read_text(text, schema_of(schema), "catalog.yaml")
    return refused.value.hint.splitlines()


def test_the_committed_form_is_that_of_the_contract():
    assert catalog_schema.FILE.read_text() == catalog_schema.text(), "run: python -m tools.catalog_schema"


def test_the_form_is_json_schema_and_says_what_the_reader_says():
    Draft202012Validator.check_schema(json.loads(catalog_schema.text()))
    form = Draft202012Validator(json.loads(catalog_schema.text()))
    as_text = yaml.load(FILE, Loader=yaml.BaseLoader)
    ours = from_api(catalog(FILE).value, schema_of(CATALOG))
    assert form.is_valid(ours)
    assert not form.is_valid({**ours, "nope": 1})
    assert not form.is_valid({"products": []})
    assert as_text["plans"][0]["version"]["items"][0]["price"] == ours["plans"][0]["version"]["items"][0]["price"]


def test_a_file_is_the_message_of_the_api_and_decimals_stay_as_they_were_written():
    made = ParseDict(catalog(FILE).value, catalog_pb2.Catalog())
    base, calls = made.plans[0].version.items
    assert (base.price.flat.amount, base.currency_prices[0].price.flat.amount) == ("49.00", "0.10")
    assert calls.price.WhichOneof("model") == "dynamic"
    assert calls.price.adjustments.rounding == price_model_pb2.RoundingPolicy(mode=4, places=0)
    assert made.plans[0].version.terms.minimum_commitments[0].amount.amount_minor == 10000
    assert made.plans[0].version.terms.entitlements[1].metered.limit == "100"
    assert made.coupons[0].terms.percent == "12.5"


@pytest.mark.parametrize("defaults", [True, False])
def test_what_is_exported_reads_as_the_same(defaults):
    message = ParseDict(catalog(FILE).value, catalog_pb2.Catalog())
    answer = MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=defaults)
    text = as_yaml(answer)
    assert ParseDict(catalog(text).value, catalog_pb2.Catalog()) == message
    assert "UNSPECIFIED" not in text
    assert "PLAN_ITEM_KIND" not in text
    assert text.count("archived") == 0
    assert summary(answer) == "1 product, 1 feature, 1 plan, 0 add-ons, 1 coupon"


PLAN = (
    "version: 1\nplans:\n- code: pro\n  name: Pro\n  version:\n    currency_code: EUR\n"
    "    interval: {unit: MONTH, count: 1}\n"
)
ITEMS = (
    "    items:\n    - code: base\n      name: Base\n      kind: FLAT\n      timing: ADVANCE\n"
    "      tax_category: digital_service\n      tax_behavior: EXCLUSIVE\n"
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("version: 1\nplan: []\n", "catalog.yaml:2: plan: is no known key: did you mean 'plans'?"),
        ("version: 2\n", "catalog.yaml:1: version: is 1"),
        ("products: []\n", "catalog.yaml:1: needs 'version'"),
        ("version: 1\nversion: 1\n", "catalog.yaml:2: version: is written twice"),
        ("version: x\n", "catalog.yaml:1: version: 'x' is no whole number"),
        ("version: 1\nproducts: {}\n", "catalog.yaml:2: products: is a list"),
        ("version: 1\nproducts:\n- suite\n", "catalog.yaml:3: products[0]: is a mapping of names to values"),
        ("version: 1\nproducts:\n- name: Suite\n", "catalog.yaml:3: products[0]: needs 'code'"),
        (
            "version: 1\nproducts:\n- code: Suite\n  name: Suite\n",
            "catalog.yaml:3: products[0].code: 'Suite' is not of the form ^[a-z0-9][a-z0-9_.-]{0,63}$",
        ),
        (
            "version: 1\nproducts:\n- code: suite\n  name: Suite\n  archived: yes\n",
            "catalog.yaml:5: products[0].archived: is true or false",
        ),
        (
            "version: 1\nproducts:\n- code: suite\n  name: [1]\n",
            "catalog.yaml:4: products[0].name: is one value, not a list or a mapping",
        ),
        (PLAN + "    items: []\n", "catalog.yaml:8: plans[0].version.items: has at least 1"),
        (
            PLAN + ITEMS.replace("FLAT", "FLATT") + "      price: {flat: {amount: 1}}\n",
            "catalog.yaml:11: plans[0].version.items[0].kind: 'FLATT' is none of FLAT, SEAT, METERED:"
            " did you mean FLAT?",
        ),
        (
            PLAN + ITEMS + "      price:\n        flat: {amount: 1}\n        per_unit: {unit_amount: 1}\n",
            "catalog.yaml:16: plans[0].version.items[0].price: has flat and per_unit, of which only one may be there",
        ),
        (
            PLAN + ITEMS + "      price: {adjustments: {}}\n",
            "catalog.yaml:15: plans[0].version.items[0].price: needs one of flat, per_unit, graduated, volume, package,"
            " percentage, graduated_percentage, dynamic, matrix, time_weighted",
        ),
        (
            PLAN + ITEMS + "      price: {flat: {amount: 1e3}}\n",
            "catalog.yaml:15: plans[0].version.items[0].price.flat.amount: '1e3' is not of the form"
            " ^[0-9]{1,18}([.][0-9]{1,12})?$",
        ),
        (
            PLAN + ITEMS + "      plan_item_id: item_1\n      price: {flat: {amount: 1}}\n",
            "catalog.yaml:15: plans[0].version.items[0].plan_item_id: is no known key: did you mean 'price_id'?",
        ),
    ],
)
def test_every_complaint_has_its_line(text, expected):
    assert expected in complaints(text)


def test_all_complaints_come_at_once_in_their_order():
    found = complaints("version: 3\nplan: []\nproducts:\n- {code: A, nam: x}\n")
    assert [line.split(": ")[0] for line in found] == [f"catalog.yaml:{n}" for n in (1, 2, 4, 4, 4)]


@pytest.mark.parametrize("text", ["", "a: [", "a: b: c", "\t- x", "a: &a [*a]\nversion: 1"])
def test_what_is_no_file_is_refused(text):
    with pytest.raises(BadArgument):
        catalog(text)


def test_a_file_that_is_not_there_or_too_large(tmp_path):
    with pytest.raises(BadArgument):
        read(tmp_path / "none.yaml", schema_of(CATALOG))
    large = tmp_path / "large.yaml"
    large.write_text("#" * (6 << 20))
    with pytest.raises(BadArgument):
        read(large, schema_of(CATALOG))


def test_a_refusal_of_the_api_names_the_line():
    violations = (
        "plans[0].version.items[1].price.dynamic.multiplier: is no number",
        "catalog.coupons[0].terms.percent: is too much",
        "elsewhere: is wrong",
    )
    error = RestError("POST /v1/catalog:apply", Refused(400, "INVALID_PRICE", "it does not do", violations))
    found = placed(error, catalog(FILE), "catalog.")
    assert found.message == "catalog.yaml: INVALID_PRICE it does not do"
    assert found.hint.splitlines() == [
        "catalog.yaml:31: plans[0].version.items[1].price.dynamic.multiplier: is no number",
        "catalog.yaml:46: coupons[0].terms.percent: is too much",
        "catalog.yaml:1: elsewhere: is wrong",
    ]
    plain = RestError("POST /v1/catalog:apply", Refused(503, "", "busy"))
    assert placed(plain, catalog(FILE)) is plain


def test_actions_in_words():
    actions = [
        {"kind": "CATALOG_KIND_PRODUCT", "code": "suite", "verb": "CATALOG_VERB_UNCHANGED"},
        {
            "kind": "CATALOG_KIND_ADD_ON",
            "code": "support",
            "verb": "CATALOG_VERB_NEW_VERSION",
            "differences": [{"path": "content.price.flat.amount", "before": '"5"', "after": '"6"'}, {"path": "x"}],
        },
    ]
    assert [text for text, _ in action_lines(actions)] == [
        "^ add-on support: new version",
        '    content.price.flat.amount: "5" -> "6"',
        "    x: nothing -> nothing",
        "1 new version, 1 unchanged",
    ]
    assert [text for text, _ in action_lines([])] == ["nothing in the file"]


def test_a_price_in_words():
    exact = {"currency_code": "EUR", "numerator": "10", "denominator": "1"}
    answer = {
        "sentence": "10 = 8.00 EUR",
        "text": "a\n  b",
        "components": [
            {"name": "usage", "exact_amount": exact},
            {"name": "x", "exact_amount": {**exact, "denominator": "3"}},
        ],
        "free_units": "5",
    }
    shown = [text for text, _ in price_lines(answer)]
    assert shown == ["10 = 8.00 EUR", "  usage: 10 EUR", "  x: 10/3 EUR", "  free units: 5", "", "a", "  b"]


def test_a_price_in_a_file_is_read_like_a_catalogue():
    made = read_text("per_unit: {unit_amount: 0.0020}", schema_of(PRICE), "--model").value
    assert ParseDict(made, price_model_pb2.PriceModel()).per_unit.unit_amount == "0.0020"
    assert complaints("per_unit: {amount: 1}", PRICE)[0].startswith("catalog.yaml:1: per_unit.amount: is no known key")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["catalog", "export"], "no stack is up"),
        (["catalog", "apply", "FILE"], "no stack is up"),
        (["catalog", "diff", "FILE"], "no stack is up"),
        (["price", "preview", "--model", "flat: {amount: 1}"], "no stack is up"),
        (["price", "preview"], "name one price"),
        (["price", "preview", "--model", "flat: {amount: 1}", "--price-id", "price_1"], "name one price"),
        (["price", "preview", "--price-id", "price_1", "-q", "1", "--event", "1"], "either a quantity or events"),
    ],
)
def test_commands_say_what_they_need(words, said, tmp_path):
    file = tmp_path / "catalog.yaml"
    file.write_text(FILE)
    argv = [str(file) if word == "FILE" else word for word in words]
    found = CliRunner().invoke(commands, [*argv, "--dir", str(tmp_path)])
    assert isinstance(found.exception, CliError)
    assert said in str(found.exception)
