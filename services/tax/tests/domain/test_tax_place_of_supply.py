"""Who taxes what, and why."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from billing_tax.domain.categories import RateCategory, rate_category
from billing_tax.domain.errors import UnknownPlace, UnknownTaxCategory
from billing_tax.domain.exemption import Exemption
from billing_tax.domain.place_of_supply import Customer, Seller, assess
from billing_tax.domain.places import Place
from billing_tax.domain.registration import Registration, Scheme
from billing_tax.domain.tax_ids import TaxId, TaxIdType
from billing_tax.storage.rate_file import built_in_rates

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ID = UUID(int=1)
FR_VAT = TaxId(TaxIdType.EU_VAT, "FR40303265045")
DE_VAT = TaxId(TaxIdType.EU_VAT, "DE136695976")


def registered(code: str, scheme: Scheme = Scheme.DOMESTIC) -> Registration:
    country, _, region = code.partition("-")
    return Registration(ID, ID, Place(country, region), scheme, "", datetime(2018, 1, 1, tzinfo=UTC))


def seller(country: str, *codes: str, oss: str = "") -> Seller:
    one_stop = (registered(oss, Scheme.EU_OSS),) if oss else ()
    return Seller(country, (*(registered(code) for code in codes), *one_stop))


def customer(code: str, *ids: TaxId) -> Customer:
    country, _, region = code.partition("-")
    return Customer(Place(country, region), ids)


def outcome(seller, customer, category=RateCategory.STANDARD, at=NOON):
    assessed = assess(seller, customer, built_in_rates(), category, at)
    return " + ".join(f"{a.rule} {a.name} {a.place.code} {float(a.percent):g}" for a in assessed)


GERMAN = seller("DE", "DE", oss="DE")


@pytest.mark.parametrize(
    ("seller", "customer", "expected"),
    [
        # at home: consumers and businesses alike
        (GERMAN, customer("DE"), "DOMESTIC VAT DE 19"),
        (GERMAN, customer("DE", DE_VAT), "DOMESTIC VAT DE 19"),
        (GERMAN, customer("DE", FR_VAT), "DOMESTIC VAT DE 19"),
        (seller("DE"), customer("DE"), "NOT_REGISTERED VAT DE 0"),
        # in the EU: the customer's place, through the one stop shop or a registration there
        (GERMAN, customer("FR"), "CUSTOMER_PLACE VAT FR 20"),
        (GERMAN, customer("MC"), "CUSTOMER_PLACE VAT FR 20"),
        (GERMAN, customer("PT-20"), "CUSTOMER_PLACE VAT PT-20 16"),
        (seller("DE", "DE", "FR"), customer("FR"), "CUSTOMER_PLACE VAT FR 20"),
        (seller("DE", "DE"), customer("FR"), "NOT_REGISTERED VAT FR 0"),
        (seller("US", oss="IE"), customer("FR"), "CUSTOMER_PLACE VAT FR 20"),
        # businesses in the EU owe it themselves
        (GERMAN, customer("FR", FR_VAT), "REVERSE_CHARGE VAT FR 0"),
        (seller("US"), customer("FR", FR_VAT), "REVERSE_CHARGE VAT FR 0"),
        (GERMAN, customer("FR", TaxId(TaxIdType.EU_VAT, "FR40303265046")), "CUSTOMER_PLACE VAT FR 20"),
        (GERMAN, customer("FR", DE_VAT), "CUSTOMER_PLACE VAT FR 20"),
        (GERMAN, customer("FR", TaxId(TaxIdType.OTHER, "FR40303265045")), "CUSTOMER_PLACE VAT FR 20"),
        (GERMAN, customer("GR", TaxId(TaxIdType.EU_VAT, "EL094259216")), "REVERSE_CHARGE VAT GR 0"),
        # Northern Ireland belongs to the United Kingdom for services
        (GERMAN, customer("XI"), "NOT_REGISTERED VAT XI 0"),
        (seller("GB", "GB"), customer("XI"), "DOMESTIC VAT XI 20"),
        (seller("GB", "GB"), customer("GB-NIR"), "DOMESTIC VAT XI 20"),
        (seller("XI", "XI"), customer("GB", TaxId(TaxIdType.GB_VAT, "GB980780684")), "DOMESTIC VAT GB 20"),
        (GERMAN, customer("XI", TaxId(TaxIdType.EU_VAT, "XI432525179")), "REVERSE_CHARGE VAT XI 0"),
        # elsewhere
        (GERMAN, customer("TH"), "OUT_OF_SCOPE Tax TH 0"),
        (GERMAN, customer("ES-CN"), "OUT_OF_SCOPE Tax ES-CN 0"),
        (GERMAN, customer("ES-TF"), "OUT_OF_SCOPE Tax ES-CN 0"),
        (GERMAN, customer("GB"), "NOT_REGISTERED VAT GB 0"),
        (seller("DE", "DE", "GB"), customer("GB"), "CUSTOMER_PLACE VAT GB 20"),
        (seller("DE", "GB"), customer("GB", TaxId(TaxIdType.GB_VAT, "GB980780684")), "REVERSE_CHARGE VAT GB 0"),
        (seller("DE", "CH"), customer("CH", TaxId(TaxIdType.CH_UID, "CHE-107.787.577")), "CUSTOMER_PLACE VAT CH 8.1"),
        (GERMAN, customer("CH", TaxId(TaxIdType.CH_UID, "CHE-107.787.577 MWST")), "REVERSE_CHARGE VAT CH 0"),
        (seller("DE", "NO"), customer("NO", TaxId(TaxIdType.NO_ORG, "995525828")), "REVERSE_CHARGE VAT NO 0"),
        (seller("DE", "AU"), customer("AU", TaxId(TaxIdType.AU_ABN, "83 914 571 673")), "REVERSE_CHARGE GST AU 0"),
        (seller("AU", "AU"), customer("AU", TaxId(TaxIdType.AU_ABN, "83 914 571 673")), "DOMESTIC GST AU 10"),
        # the United States: each state for itself
        (seller("US", "US-CA"), customer("US-CA"), "DOMESTIC Sales tax US-CA 7.25"),
        (seller("US", "US-CA"), customer("US-NY"), "NOT_REGISTERED Sales tax US-NY 0"),
        (seller("US", "US-CA"), customer("US-OR"), "OUT_OF_SCOPE Tax US-OR 0"),
        (seller("US", "US-CA"), customer("US-PR"), "OUT_OF_SCOPE Tax PR 0"),
        (GERMAN, customer("US"), "NOT_REGISTERED Tax US 0"),
        # Canada: federal and provincial registrations apart
        (seller("CA", "CA"), customer("CA-ON"), "DOMESTIC HST CA-ON 13"),
        (seller("CA", "CA", "CA-QC"), customer("CA-QC"), "DOMESTIC GST CA 5 + DOMESTIC QST CA-QC 9.975"),
        (seller("CA", "CA"), customer("CA-QC"), "DOMESTIC GST CA 5 + NOT_REGISTERED QST CA-QC 0"),
        (seller("US", "CA-QC"), customer("CA-QC"), "NOT_REGISTERED GST CA 0 + CUSTOMER_PLACE QST CA-QC 9.975"),
        (seller("CA", "CA"), customer("CA-AB"), "DOMESTIC GST CA 5"),
    ],
)
def test_rule(seller, customer, expected):
    assert outcome(seller, customer) == expected


@pytest.mark.parametrize(
    ("category", "expected"),
    [
        ("digital_service", "DOMESTIC VAT DE 19"),
        ("reduced", "DOMESTIC VAT DE 7"),
        ("super_reduced", "DOMESTIC VAT DE 7"),
        ("zero_rated", "DOMESTIC VAT DE 0"),
        ("exempt", "EXEMPT VAT DE 0"),
    ],
)
def test_category(category, expected):
    assert outcome(GERMAN, customer("DE"), rate_category(category)) == expected


def test_unknown_category_is_refused():
    with pytest.raises(UnknownTaxCategory) as refusal:
        rate_category("booze")
    assert refusal.value.violations[0].field == "tax_category"


@pytest.mark.parametrize(
    ("seller", "customer"),
    [
        (GERMAN, customer("ZZ")),
        (seller("QQ"), customer("DE")),
        (GERMAN, customer("US-ZZ")),
        (seller("US", "US-CA"), customer("US")),
        (seller("CA", "CA"), customer("CA")),
    ],
)
def test_a_place_that_decides_nothing_is_refused(seller, customer):
    with pytest.raises(UnknownPlace):
        outcome(seller, customer)


def exempt(code: str, **changes) -> Exemption:
    country, _, region = code.partition("-")
    return replace(Exemption(ID, ID, Place(country, region), "C-17", datetime(2026, 1, 1, tzinfo=UTC)), **changes)


@pytest.mark.parametrize(
    ("exemption", "expected"),
    [
        (exempt("CA"), "EXEMPT GST CA 0 + EXEMPT QST CA-QC 0"),
        (exempt("CA-QC"), "DOMESTIC GST CA 5 + EXEMPT QST CA-QC 0"),
        (exempt("CA-BC"), "DOMESTIC GST CA 5 + DOMESTIC QST CA-QC 9.975"),
        (exempt("CA", end=NOON), "DOMESTIC GST CA 5 + DOMESTIC QST CA-QC 9.975"),
        (exempt("CA", start=NOON), "EXEMPT GST CA 0 + EXEMPT QST CA-QC 0"),
    ],
)
def test_exemption_counts_in_its_place_and_time(exemption, expected):
    who = replace(customer("CA-QC"), exemptions=(exemption,))
    assert outcome(seller("CA", "CA", "CA-QC"), who) == expected


def test_registration_counts_from_its_start_to_its_end():
    one = replace(registered("FR"), start=NOON, end=datetime(2026, 4, 1, tzinfo=UTC))
    there = Seller("DE", (one,))
    assert outcome(there, customer("FR"), at=datetime(2026, 3, 1, 11, 59, tzinfo=UTC)).startswith("NOT_REGISTERED")
    assert outcome(there, customer("FR")).startswith("CUSTOMER_PLACE")
    assert outcome(there, customer("FR"), at=datetime(2026, 4, 1, tzinfo=UTC)).startswith("NOT_REGISTERED")


@pytest.mark.parametrize(
    ("code", "at", "percent"),
    [
        ("EE", datetime(2025, 6, 30, 20, 59, tzinfo=UTC), 22),
        ("EE", datetime(2025, 6, 30, 21, 0, tzinfo=UTC), 24),  # midnight in Tallinn
        ("CA-NS", datetime(2025, 4, 1, 2, 59, tzinfo=UTC), 15),
        ("CA-NS", datetime(2025, 4, 1, 3, 0, tzinfo=UTC), 14),  # midnight in Halifax
    ],
)
def test_a_rate_changes_at_local_midnight(code, at, percent):
    assessed = assess(
        GERMAN if code == "EE" else seller("CA", "CA"), customer(code), built_in_rates(), RateCategory.STANDARD, at
    )
    assert assessed[0].percent == percent


def test_reverse_charge_and_exemption_carry_the_note_for_the_invoice():
    (reverse,) = assess(GERMAN, customer("FR", FR_VAT), built_in_rates(), RateCategory.STANDARD, NOON)
    assert "Articles 44 and 196 of Directive 2006/112/EC" in reverse.legal_note
    (out,) = assess(GERMAN, customer("TH"), built_in_rates(), RateCategory.STANDARD, NOON)
    assert "2006/112/EC" in out.legal_note
    who = replace(customer("DE"), exemptions=(exempt("DE"),))
    assert "C-17" in assess(GERMAN, who, built_in_rates(), RateCategory.STANDARD, NOON)[0].legal_note
