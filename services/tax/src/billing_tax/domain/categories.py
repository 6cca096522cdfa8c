"""What is sold, as far as tax cares: the category on a price decides which rate of a place applies."""

from enum import StrEnum

from billing_tax.domain.errors import UnknownTaxCategory, bad_field


class RateCategory(StrEnum):
    """The rates that a law names, and the two categories without tax."""

    STANDARD = "standard"
    INTERMEDIATE = "intermediate"
    REDUCED = "reduced"
    SUPER_REDUCED = "super_reduced"
    ZERO_RATED = "zero_rated"
    EXEMPT = "exempt"


# A place that lacks a rate applies the next one to the right.
FALLBACK: dict[RateCategory, tuple[RateCategory, ...]] = {
    RateCategory.STANDARD: (RateCategory.STANDARD,),
    RateCategory.INTERMEDIATE: (RateCategory.INTERMEDIATE, RateCategory.STANDARD),
    RateCategory.REDUCED: (RateCategory.REDUCED, RateCategory.INTERMEDIATE, RateCategory.STANDARD),
    RateCategory.SUPER_REDUCED: (
        RateCategory.SUPER_REDUCED,
        RateCategory.REDUCED,
        RateCategory.INTERMEDIATE,
        RateCategory.STANDARD,
    ),
    RateCategory.ZERO_RATED: (RateCategory.STANDARD,),
    RateCategory.EXEMPT: (RateCategory.STANDARD,),
}
assert set(FALLBACK) == set(RateCategory)

TAX_CATEGORIES = {category.value: category for category in RateCategory} | {
    "digital_service": RateCategory.STANDARD,
    "saas": RateCategory.STANDARD,
}


def rate_category(tax_category: str) -> RateCategory:
    """The rate that a price's tax category asks for. Raises UnknownTaxCategory: unknown never means untaxed."""
    known = TAX_CATEGORIES.get(tax_category)
    if known is None:
        choice = ", ".join(sorted(TAX_CATEGORIES))
        raise bad_field(UnknownTaxCategory, "tax_category", f"{tax_category[:40]!r} is not one of {choice}")
    return known
