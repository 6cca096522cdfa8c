"""Every RPC says who may call it, how it repeats, where REST finds it and what it answers."""

import re

import pytest
from billing.common.v1 import access_pb2
from google.api import annotations_pb2

from tools.contract import Method, files, methods, nested

METHODS = tuple(methods())
REFUSED = {  # by the field of a request
    "etag": "ETAG_MISMATCH",
    "page_token": "INVALID_PAGE_TOKEN",
    "proration": "INVALID_PRORATION",
    "update_mask": "INVALID_UPDATE_MASK",
}
UNPAGED = {"billing.tax.v1.TaxService/ListRates"}  # one place at one instant has a handful of rates


def access(method: Method):
    options = method.descriptor.GetOptions()
    assert options.HasExtension(access_pb2.access), f"{method} has no (billing.common.v1.access)"
    return options.Extensions[access_pb2.access]


def path(method: Method) -> str:
    rule = method.descriptor.GetOptions().Extensions[annotations_pb2.http]
    verb = rule.WhichOneof("pattern")
    return getattr(rule, verb) if verb else ""


@pytest.fixture(params=METHODS, ids=str)
def method(request) -> Method:
    return request.param


def test_access_is_complete(method):
    found = access(method)
    assert re.fullmatch(r"[a-z_]+\.(read|write|run)", found.permission), found.permission
    assert found.audience != access_pb2.AUDIENCE_UNSPECIFIED
    assert found.rate_class != access_pb2.RATE_CLASS_UNSPECIFIED
    assert found.idempotency != access_pb2.IDEMPOTENCY_MODE_UNSPECIFIED


def test_access_does_not_contradict_itself(method):
    found = access(method)
    public = found.audience == access_pb2.AUDIENCE_PUBLIC
    assert public or not found.customer, "a customer reaches public methods only"
    keyed = found.idempotency == access_pb2.IDEMPOTENCY_MODE_KEY
    assert keyed or not found.key_required, "a demanded key must be used"


def test_public_methods_have_a_path_and_internal_ones_none(method):
    public = access(method).audience == access_pb2.AUDIENCE_PUBLIC
    assert bool(path(method)) == public


def test_paths_are_versioned_snake_case(method):
    assert re.fullmatch(r"(/v1(/[a-z0-9_-]+|/\{[a-z0-9_.]+(=[^}]*)?\})+(:[a-z][A-Za-z_]*)?)?", path(method)), path(
        method
    )


def test_paths_are_unique():
    bindings = [
        (rule.WhichOneof("pattern"), re.sub(r"\{[^}]*\}", "{}", path(method)))
        for method in METHODS
        if path(method) and (rule := method.descriptor.GetOptions().Extensions[annotations_pb2.http])
    ]
    assert len(bindings) == len(set(bindings))


def test_comment_names_the_errors_and_what_a_repetition_does(method):
    assert "Errors:" in method.comment
    assert re.search(r"dempoten|hanges nothing", method.comment), method.comment


@pytest.mark.parametrize("field", sorted(REFUSED))
def test_comment_names_what_a_field_is_refused_for(method, field):
    if field in method.descriptor.input_type.fields_by_name:
        assert REFUSED[field] in re.findall(r"[A-Z_]+", method.comment), f"{method} takes {field}"


def test_lists_are_paged(method):
    if method.name.startswith("List") and str(method) not in UNPAGED:
        assert {"page_size", "page_token"} <= set(method.descriptor.input_type.fields_by_name)
        assert "next_page_token" in method.descriptor.output_type.fields_by_name


def test_no_float_touches_money_or_quantity():
    fields = [
        f"{file.package}.{message.name}.{field.name}"
        for file in files()
        for top in file.message_type
        for message in nested(top)
        for field in message.field
        if field.type in (field.TYPE_DOUBLE, field.TYPE_FLOAT)
    ]
    assert fields == []
