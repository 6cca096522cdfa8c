"""One contract: what the descriptors make public, what the edge routes and what the document says are the same."""

import re
from html.parser import HTMLParser
from importlib.resources import files

import pytest
from billing.common.v1 import access_pb2
from billing_gateway.contract import ContractRefused, read
from billing_gateway.openapi.document import document
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from openapi_spec_validator import validate


@pytest.fixture(scope="module")
def openapi(contract):
    return document(contract)


@pytest.fixture(scope="module")
def operations(openapi):
    return {call["operationId"]: call for verbs in openapi["paths"].values() for call in verbs.values()}


@pytest.fixture(scope="module")
def descriptors():
    return FileDescriptorSet.FromString((files("billing") / "descriptors.binpb").read_bytes())


def test_it_is_valid(openapi):
    validate(openapi)


def test_document_and_descriptors_are_equal_sets(openapi, contract):
    described = {(verb, path) for path, verbs in openapi["paths"].items() for verb in verbs}
    assert described == {(b.verb, b.template) for method in contract.methods for b in method.bindings}


def test_every_public_method_is_there_and_no_other(operations, descriptors):
    methods = [(m.name, m.options.Extensions[access_pb2.access].audience) for f in descriptors.file for s in f.service
               for m in s.method]  # fmt: skip
    assert set(operations) == {name for name, audience in methods if audience == access_pb2.AUDIENCE_PUBLIC}
    assert {name for name, audience in methods if audience == access_pb2.AUDIENCE_INTERNAL}.isdisjoint(operations)


def test_everything_is_described(openapi, operations):
    assert [name for name, call in operations.items() if not call["summary"] or not call["description"]] == []
    assert [name for name, schema in openapi["components"]["schemas"].items() if not schema["description"]] == []


def test_keys_are_asked_for_where_they_are_needed(operations):
    def key(name):
        return [each for each in operations[name]["parameters"] if each["name"] == "Idempotency-Key"]

    assert key("MarkInvoicePaid")[0]["required"] is True
    assert "required" not in key("CreateCustomer")[0]
    assert key("GetInvoice") == key("IngestEvents") == []


@pytest.mark.parametrize(
    ("schema", "field", "wanted"),
    [
        ("billing.common.v1.Money", "amount_minor", {"type": "string", "format": "int64", "pattern": "^-?[0-9]+$"}),
        ("billing.common.v1.Money", "currency_code", {"type": "string", "pattern": "^[A-Z]{3}$"}),
        ("billing.invoicing.v1.MarkInvoicePaidRequest", "reference", {"minLength": 1, "maxLength": 200}),
        ("billing.usage.v1.IngestEventsRequest", "events", {"type": "array", "minItems": 1, "maxItems": 1000}),
        ("billing.invoicing.v1.UpdateInvoiceRequest", "metadata", {"type": "object", "maxProperties": 50}),
        ("billing.usage.v1.UsageEvent", "time", {"type": "string", "format": "date-time"}),
    ],
)
def test_schemas_say_what_the_rules_say(openapi, schema, field, wanted):
    found = openapi["components"]["schemas"][schema]["properties"][field]
    assert wanted.items() <= found.items()


def test_what_stands_in_the_path_is_not_in_the_body(openapi):
    assert (
        "invoice_id"
        not in openapi["components"]["schemas"]["billing.invoicing.v1.MarkInvoicePaidRequest"]["properties"]
    )


def test_bodies_and_files(operations):
    assert operations["MarkInvoicePaid"]["requestBody"]["required"] is True
    assert operations["FinalizeInvoice"]["requestBody"]["required"] is False
    assert "application/cloudevents+json" in operations["IngestCloudEvents"]["requestBody"]["content"]
    assert list(operations["GetInvoicePdf"]["responses"]["200"]["content"]) == ["*/*"]
    assert operations["GetInvoice"]["responses"]["default"] == {"$ref": "#/components/responses/Error"}


def test_a_public_method_without_a_path_is_refused(descriptors):
    broken = FileDescriptorSet.FromString(descriptors.SerializeToString())
    method = next(m for f in broken.file for s in f.service for m in s.method if m.name == "SetClock")
    method.options.Extensions[access_pb2.access].audience = access_pb2.AUDIENCE_PUBLIC
    with pytest.raises(ContractRefused, match="SetClock"):
        read(broken.SerializeToString())


class Outside(HTMLParser):
    """Collects what a page would load."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag, attributes):
        self.found += [
            f"{tag} {name}={value}" for name, value in attributes if name in ("src", "href", "srcset", "style")
        ]
        self.found += [f"{tag} {name}" for name, _ in attributes if name.startswith("on")]


def test_the_page_loads_nothing_from_outside():
    page = (files("billing_gateway") / "docs.html").read_text()
    outside = Outside()
    outside.feed(page)
    assert outside.found == []
    assert re.findall(r"https?://|@import|\burl\(|innerHTML|eval\(", page) == []
    assert re.findall(r"fetch\((.*?)\)", page) == ['"/openapi.json"']
