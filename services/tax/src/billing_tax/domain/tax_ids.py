"""Tax ids by form and check digits. Nothing is asked over the network: well formed is not the same as valid."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from stdnum.au import abn
from stdnum.ca import bn
from stdnum.ch import uid
from stdnum.eu import vat as eu_vat
from stdnum.gb import vat as gb_vat
from stdnum.no import mva, orgnr

from billing_tax.domain.errors import InvalidTaxNumber, bad_field
from billing_tax.domain.places import EU_MEMBERS

CACHED_IDS_MAX = 65_536


class TaxIdType(StrEnum):
    EU_VAT = "eu_vat"
    GB_VAT = "gb_vat"
    CH_UID = "ch_uid"
    NO_ORG = "no_org"
    AU_ABN = "au_abn"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class TaxId:
    """A tax id as the customer wrote it."""

    type: TaxIdType
    value: str


def _swiss(value: str) -> bool:
    base = value.upper()
    for suffix in ("MWST", "TVA", "IVA", "TPV", "HR/MWST"):
        base = base.removesuffix(suffix)
    return bool(uid.is_valid(base))


def _norwegian(value: str) -> bool:
    return bool(mva.is_valid(value) or orgnr.is_valid(value))


# Who issues an id of each kind, and whether its form and check digits hold. OTHER has no form.
_ISSUED: dict[TaxIdType, tuple[str, Callable[[str], bool]]] = {
    TaxIdType.GB_VAT: ("GB", gb_vat.is_valid),
    TaxIdType.CH_UID: ("CH", _swiss),
    TaxIdType.NO_ORG: ("NO", _norwegian),
    TaxIdType.AU_ABN: ("AU", abn.is_valid),
}
assert set(_ISSUED) | {TaxIdType.EU_VAT, TaxIdType.OTHER} == set(TaxIdType)


@lru_cache(CACHED_IDS_MAX)
def issuing_country(tax_id: TaxId) -> str | None:
    """The ISO country that issues an id of this form (XI for Northern Ireland); None when it is not well formed."""
    if tax_id.type is TaxIdType.EU_VAT:
        return _eu_country(tax_id.value)
    if tax_id.type is TaxIdType.OTHER:
        return None
    country, well_formed = _ISSUED[tax_id.type]
    return country if well_formed(tax_id.value) else None


def _eu_country(value: str) -> str | None:
    if not eu_vat.is_valid(value):
        return None
    prefix = value.strip()[:2].upper()
    return "GR" if prefix == "EL" else prefix


_SELLER_NUMBERS: dict[str, Callable[[str], bool]] = {
    "GB": gb_vat.is_valid,
    "XI": lambda value: bool(gb_vat.is_valid(value.upper().removeprefix("XI"))),
    "CH": _swiss,
    "NO": _norwegian,
    "AU": abn.is_valid,
    "CA": bn.is_valid,
}


def check_seller_number(country: str, region: str, number: str) -> None:
    """Refuses a seller's tax number that is not well formed where the form is known. Empty is not yet known.

    Raises InvalidTaxNumber.
    """
    if not number or region:  # provinces and states number as they like
        return
    if country in EU_MEMBERS:
        well_formed = _eu_country(number) == country or _eu_country(_prefix(country) + number) == country
    else:
        known = _SELLER_NUMBERS.get(country)
        well_formed = known is None or bool(known(number))
    if not well_formed:
        raise bad_field(InvalidTaxNumber, "tax_number", f"not a well-formed tax number of {country}")


def _prefix(country: str) -> str:
    return "EL" if country == "GR" else country
