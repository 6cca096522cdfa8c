"""Catalogues on paper: where two documents differ, and how refusals get their path."""

import pytest
from billing_kernel.errors import Invalid, Violation
from billing_subscriptions.domain.catalog import Catalog, Difference, NamedEntry, at, check_codes, differences
from billing_subscriptions.domain.catalog_errors import InvalidCatalog
from billing_subscriptions.domain.named import Words


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, {}, []),
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, [Difference("a", 1, 2)]),
        ({"a": 1}, {}, [Difference("a", 1, None)]),
        ({"b": [1, 2]}, {"b": [1]}, [Difference("b[1]", 2, None)]),
        (
            {"b": [{"c": 1}]},
            {"b": [{"c": 2}, {"c": 3}]},
            [Difference("b[0].c", 1, 2), Difference("b[1]", None, {"c": 3})],
        ),
        ({"a": {"x": 1}}, {"a": [1]}, [Difference("a", {"x": 1}, [1])]),
        ({"z": 1, "a": 1}, {"z": 2, "a": 2}, [Difference("a", 1, 2), Difference("z", 1, 2)]),
    ],
)
def test_where_documents_differ(before, after, expected):
    assert list(differences(before, after)) == expected


def test_refusals_name_their_fields_from_the_path_on():
    with pytest.raises(Invalid) as refused, at("plans[0]"), at("version"):
        raise Invalid("no", facts={"a": "b"}, violations=[Violation("items[0].code", "is wrong", "x")])
    assert refused.value.violations == (Violation("plans[0].version.items[0].code", "is wrong", "x"),)
    assert (refused.value.message, dict(refused.value.facts)) == (
        "plans[0].version.items[0].code: is wrong",
        {"a": "b"},
    )
    with pytest.raises(Invalid) as refused, at("plans[0]"):
        raise Invalid("no")
    assert refused.value.violations == (Violation("plans[0]", "no", "INVALID"),)


def test_a_code_is_written_once_a_kind():
    entry = NamedEntry("a", Words("A"))
    check_codes(Catalog(products=[entry], features=[entry]))
    with pytest.raises(InvalidCatalog) as refused:
        check_codes(Catalog(features=[entry, entry]))
    assert refused.value.violations[0].field == "features[1].code"
