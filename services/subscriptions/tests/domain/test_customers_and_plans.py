"""Customers, tax ids and plans."""

from dataclasses import replace

import pytest
import subscriptions_builders as build
from billing_kernel.errors import Conflict
from billing_kernel.money import UnknownCurrency
from billing_kernel.period import Interval
from billing_subscriptions.domain import customer as customers
from billing_subscriptions.domain import plan as plans
from billing_subscriptions.domain.customer import Address, CustomerState, Party, Terms
from billing_subscriptions.domain.errors import (
    CustomerArchived,
    CustomerHasSubscriptions,
    InvalidName,
    InvalidParty,
    InvalidPlanItem,
    InvalidPrice,
    InvalidTaxId,
    MeterNotFound,
    PlanVersionPublished,
    UnknownTimeZone,
)
from billing_subscriptions.domain.etag import check_etag, etag_of
from billing_subscriptions.domain.plan import NewVersion, PlanVersionState, Timing
from billing_subscriptions.domain.tax_ids import TaxId, TaxIdType, check_tax_ids
from subscriptions_builders import utc

NOW = utc("2026-05-01")


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (TaxIdType.EU_VAT, "FR40303265045"),
        (TaxIdType.EU_VAT, "fr 40 303 265 045"),
        (TaxIdType.EU_VAT, "NL123456789B01"),
        (TaxIdType.EU_VAT, "XI123456789"),
        (TaxIdType.GB_VAT, "GB123456789"),
        (TaxIdType.CH_UID, "CHE-123.456.789 MWST"),
        (TaxIdType.NO_ORG, "123456789MVA"),
        (TaxIdType.AU_ABN, "51 824 753 556"),
        (TaxIdType.OTHER, "12-3456789"),
    ],
)
def test_well_formed_tax_ids(kind, value):
    assert check_tax_ids([TaxId(kind, value)]) == (TaxId(kind, value),)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (TaxIdType.EU_VAT, "GB123456789"),
        (TaxIdType.EU_VAT, "DE12345678"),
        (TaxIdType.EU_VAT, "40303265045"),
        (TaxIdType.EU_VAT, "DE123456789\n"),
        (TaxIdType.GB_VAT, "12345678"),
        (TaxIdType.CH_UID, "123456789"),
        (TaxIdType.NO_ORG, "12345678"),
        (TaxIdType.AU_ABN, "5182475355"),
    ],
)
def test_malformed_tax_ids(kind, value):
    with pytest.raises(InvalidTaxId) as refused:
        check_tax_ids([TaxId(TaxIdType.OTHER, "1234"), TaxId(kind, value)])
    assert refused.value.violations[0].field == "tax_ids[1].value"


def test_a_tax_id_is_named_once():
    with pytest.raises(InvalidTaxId):
        check_tax_ids([TaxId(TaxIdType.OTHER, "1234")] * 2)


@pytest.mark.parametrize(
    ("terms", "refusal"),
    [
        ({"currency": "XXX"}, UnknownCurrency),
        ({"currency": "EURO"}, UnknownCurrency),
        ({"zone": "Mars/Olympus"}, UnknownTimeZone),
        ({"zone": "../etc/passwd"}, UnknownTimeZone),
        ({"tax_ids": (TaxId(TaxIdType.EU_VAT, "nope"),)}, InvalidTaxId),
    ],
)
def test_terms_that_are_refused(terms, refusal):
    with pytest.raises(refusal):
        build.customer(**terms)
    with pytest.raises(refusal):
        customers.change(build.customer(), Terms(**terms), None, now=NOW)


def test_a_changed_party_is_a_new_version_and_moves_the_tax_facts():
    before = build.customer()
    after = customers.change(before, before.terms, Party("Ada", Address("CA", "QC")), now=NOW)
    assert (after.party_version, after.version, after.country, after.region) == (2, 2, "CA", "QC")
    assert customers.change(before, before.terms, None, now=NOW).party_version == 1


def test_a_party_has_a_name():
    with pytest.raises(InvalidParty):
        build.customer(party=Party("  ", Address("DE")))


@pytest.mark.parametrize("country", ["QQ", "ZZ", "EU", "UK"])
def test_a_party_lives_in_a_country_that_exists(country):
    with pytest.raises(InvalidParty) as refused:
        build.customer(party=Party("Ada", Address(country)))
    assert [violation.field for violation in refused.value.violations] == ["party.address.country_code"]


def test_archiving():
    before = build.customer()
    with pytest.raises(CustomerHasSubscriptions):
        customers.archive(before, running_subscriptions=1, now=NOW)
    archived = customers.archive(before, running_subscriptions=0, now=NOW)
    assert archived.state is CustomerState.ARCHIVED
    assert customers.archive(archived, running_subscriptions=0, now=NOW) is archived
    with pytest.raises(CustomerArchived):
        customers.change(archived, archived.terms, None, now=NOW)


def test_etags():
    check_etag("", 3)
    check_etag(etag_of(3), 3)
    with pytest.raises(Conflict):
        check_etag(etag_of(2), 3)


@pytest.mark.parametrize(
    ("items", "field"),
    [
        ([replace(build.metered(), timing=Timing.ADVANCE)], "items[0].timing"),
        ([replace(build.metered(), meter_code="")], "items[0].meter_code"),
        ([replace(build.flat(), meter_code="calls")], "items[0].meter_code"),
        ([replace(build.flat(), price=build.seat().price)], "items[0].price"),
        ([build.flat(), replace(build.seat(), price=build.flat().price)], "items[1].price"),
        ([build.flat(), build.flat()], "items"),
        ([build.many_tiers(f"m{n}") for n in range(11)], "items"),
    ],
)
def test_items_that_do_not_fit_together(items, field):
    with pytest.raises(InvalidPlanItem) as refused:
        build.version(items)
    assert [violation.field for violation in refused.value.violations] == [field]


GAP = [{"up_to": "10", "unit_amount": "1"}, {"up_to": "5", "unit_amount": "1"}, {"up_to": None, "unit_amount": "1"}]


@pytest.mark.parametrize(
    ("price", "field"),
    [
        ({"model": "per_unit", "unit_amount": "1e3"}, "items[0].price.per_unit.unit_amount"),
        ({"model": "per_unit", "unit_amount": "007"}, "items[0].price.per_unit.unit_amount"),
        ({"model": "per_unit", "unit_amount": "-1"}, "items[0].price.per_unit.unit_amount"),
        ({"model": "per_unit", "unit_amount": "999999999999999999"}, "items[0].price"),
        ({"model": "graduated", "tiers": GAP}, "items[0].price.graduated.tiers[1].up_to"),
        ({"model": "graduated", "tiers": GAP[:1]}, "items[0].price.graduated.tiers[0].up_to"),
        ({"model": "unspecified"}, "items[0].price.model"),
    ],
)
def test_prices_that_are_refused(price, field):
    with pytest.raises(InvalidPrice) as refused:
        build.version([replace(build.seat(), price=price)])
    assert refused.value.violations[0].field == field


def test_publishing_is_for_good_and_needs_the_meters():
    owner = build.plan()
    draft = plans.draft(
        owner, NewVersion("EUR", Interval("month"), [build.metered()]), number=1, new_id=build.uuid7, now=NOW
    )
    with pytest.raises(MeterNotFound):
        plans.publish(owner, draft, known_meters=frozenset(), now=NOW)
    selling, published = plans.publish(owner, draft, known_meters=frozenset({"api_calls"}), now=NOW)
    assert (selling.current_version_id, published.state) == (draft.id, PlanVersionState.PUBLISHED)
    with pytest.raises(PlanVersionPublished):
        plans.publish(selling, published, known_meters=frozenset({"api_calls"}), now=NOW)


def test_plan_names():
    with pytest.raises(InvalidName):
        plans.rename(build.plan(), " ", {}, now=NOW)
