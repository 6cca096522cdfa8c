"""Tax ids by form alone."""

import pytest
from billing_tax.domain.errors import InvalidTaxNumber
from billing_tax.domain.tax_ids import TaxId, TaxIdType, check_seller_number, issuing_country


@pytest.mark.parametrize(
    ("kind", "value", "country"),
    [
        ("eu_vat", "DE136695976", "DE"),
        ("eu_vat", "de 136 695 976", "DE"),
        ("eu_vat", "DE123456789", None),
        ("eu_vat", "FR40303265045", "FR"),
        ("eu_vat", "EL094259216", "GR"),
        ("eu_vat", "GR094259216", "GR"),
        ("eu_vat", "ATU13585627", "AT"),
        ("eu_vat", "XI432525179", "XI"),
        ("eu_vat", "GB980780684", None),
        ("eu_vat", "136695976", None),
        ("eu_vat", "\x00\x00\x00\x00", None),
        ("eu_vat", "ÄÖÜ٣٤٥", None),
        ("gb_vat", "GB980780684", "GB"),
        ("gb_vat", "GB980780685", None),
        ("ch_uid", "CHE-107.787.577", "CH"),
        ("ch_uid", "CHE-107.787.577 MWST", "CH"),
        ("ch_uid", "CHE-107.787.578", None),
        ("no_org", "995525828", "NO"),
        ("no_org", "NO995525828MVA", "NO"),
        ("au_abn", "83914571673", "AU"),
        ("other", "anything", None),
    ],
)
def test_form(kind, value, country):
    assert issuing_country(TaxId(TaxIdType(kind), value)) == country


@pytest.mark.parametrize(
    ("country", "region", "number"),
    [
        ("DE", "", ""),
        ("DE", "", "DE136695976"),
        ("DE", "", "136695976"),
        ("GR", "", "EL094259216"),
        ("GB", "", "980780684"),
        ("XI", "", "XI980780684"),
        ("CA", "", "123026635RC0001"),
        ("CA", "QC", "1234567890TQ0001"),
        ("SG", "", "anything goes"),
    ],
)
def test_seller_number_accepted(country, region, number):
    check_seller_number(country, region, number)


@pytest.mark.parametrize(
    ("country", "number"),
    [("DE", "DE123456789"), ("DE", "FR40303265045"), ("GB", "12"), ("CA", "x"), ("CH", "CHE-1"), ("AU", "1")],
)
def test_seller_number_refused(country, number):
    with pytest.raises(InvalidTaxNumber):
        check_seller_number(country, "", number)
