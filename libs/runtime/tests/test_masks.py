import pytest
from billing.subscriptions.v1.customer_pb2 import Customer
from billing_runtime.masks import InvalidReadMask, InvalidUpdateMask, apply_read_mask, check_update_mask
from google.protobuf.field_mask_pb2 import FieldMask

CUSTOMER = Customer(customer_id="cus_1", currency_code="EUR", metadata={"a": "b"})
CUSTOMER.party.address.country_code = "DE"
CUSTOMER.party.name = "Ada"


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        ([], CUSTOMER),
        (["*"], CUSTOMER),
        (["currency_code"], Customer(currency_code="EUR")),
        (["metadata", "customer_id"], Customer(customer_id="cus_1", metadata={"a": "b"})),
        (["external_id"], Customer()),
    ],
)
def test_a_read_mask_keeps_its_fields_alone(paths, expected):
    assert apply_read_mask(CUSTOMER, FieldMask(paths=paths)) == expected


def test_a_read_mask_reaches_into_messages():
    kept = apply_read_mask(CUSTOMER, FieldMask(paths=["party.address.country_code"]))
    assert kept.party.address.country_code == "DE"
    assert kept.party.name == ""


@pytest.mark.parametrize(
    "path", ["nope", "party.nope", "tax_ids.value", "metadata.a", "", ".", "party..name", "a" * 9999]
)
def test_unknown_paths_are_refused(path):
    with pytest.raises(InvalidReadMask) as refused:
        apply_read_mask(CUSTOMER, FieldMask(paths=[path]))
    assert refused.value.violations[0].field == "read_mask"


@pytest.mark.parametrize("paths", [[], ["nope"], ["name", "*"], ["name.first"]])
def test_an_update_mask_names_changeable_fields(paths):
    with pytest.raises(InvalidUpdateMask):
        check_update_mask(FieldMask(paths=paths), {"name", "metadata"})


def test_an_update_mask_becomes_a_set():
    assert check_update_mask(FieldMask(paths=["name", "name"]), {"name", "metadata"}) == {"name"}
