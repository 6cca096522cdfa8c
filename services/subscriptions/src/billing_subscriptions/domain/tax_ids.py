"""Tax ids, checked for their form alone; whether one exists and counts is decided by the tax service."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from billing_kernel.errors import Violation

from billing_subscriptions.domain.errors import InvalidTaxId


class TaxIdType(StrEnum):
    EU_VAT = "EU_VAT"
    GB_VAT = "GB_VAT"
    CH_UID = "CH_UID"
    NO_ORG = "NO_ORG"
    AU_ABN = "AU_ABN"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class TaxId:
    """A tax id as written, with its country prefix where the kind has one."""

    type: TaxIdType
    value: str


# Forms after blanks, dots and dashes are taken out. Sources: VIES technical annex (EU members and XI), HMRC, Swiss UID
# register, Brønnøysund register, Australian Business Register.
_EU = "|".join(
    (
        r"ATU\d{8}",
        r"BE[01]\d{9}",
        r"BG\d{9,10}",
        r"CY\d{8}[A-Z]",
        r"CZ\d{8,10}",
        r"DE\d{9}",
        r"DK\d{8}",
        r"EE\d{9}",
        r"EL\d{9}",
        r"ES[A-Z0-9]\d{7}[A-Z0-9]",
        r"FI\d{8}",
        r"FR[A-HJ-NP-Z0-9]{2}\d{9}",
        r"HR\d{11}",
        r"HU\d{8}",
        r"IE\d[A-Z0-9+*]\d{5}[A-Z]{1,2}",
        r"IT\d{11}",
        r"LT(\d{9}|\d{12})",
        r"LU\d{8}",
        r"LV\d{11}",
        r"MT\d{8}",
        r"NL[A-Z0-9+*]{10}\d{2}",
        r"PL\d{10}",
        r"PT\d{9}",
        r"RO\d{2,10}",
        r"SE\d{12}",
        r"SI\d{8}",
        r"SK\d{10}",
        r"XI(\d{9}|\d{12}|GD\d{3}|HA\d{3})",
    )
)
FORMS: dict[TaxIdType, re.Pattern[str]] = {
    TaxIdType.EU_VAT: re.compile(_EU),
    TaxIdType.GB_VAT: re.compile(r"(GB)?(\d{9}|\d{12}|GD\d{3}|HA\d{3})"),
    TaxIdType.CH_UID: re.compile(r"CHE\d{9}(MWST|TVA|IVA)?"),
    TaxIdType.NO_ORG: re.compile(r"(NO)?\d{9}(MVA)?"),
    TaxIdType.AU_ABN: re.compile(r"(AU)?\d{11}"),
    TaxIdType.OTHER: re.compile(r".+", re.DOTALL),
}
assert set(FORMS) == set(TaxIdType)
_FILLERS = str.maketrans("", "", " .-")


def check_tax_ids(tax_ids: Sequence[TaxId]) -> tuple[TaxId, ...]:
    """The same ids; raises InvalidTaxId with a violation for each one of a wrong form or named twice."""
    broken = [
        Violation(f"tax_ids[{index}].value", f"does not have the form of {tax_id.type.value}", "tax_id.form")
        for index, tax_id in enumerate(tax_ids)
        if FORMS[tax_id.type].fullmatch(tax_id.value.translate(_FILLERS).upper()) is None
    ]
    if len(set(tax_ids)) != len(tax_ids):
        broken.append(Violation("tax_ids", "names an id twice", "tax_id.twice"))
    if broken:
        raise InvalidTaxId("a tax id is not well formed", violations=broken)
    return tuple(tax_ids)
