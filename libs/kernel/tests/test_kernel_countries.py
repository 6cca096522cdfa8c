from billing_kernel.countries import COUNTRIES


def test_countries_are_those_of_iso_3166_with_two_that_taxes_know():
    assert len(COUNTRIES) == 249 + 2
    assert {"DE", "GB", "US", "XI", "XK"} <= COUNTRIES
    assert not {"UK", "EU", "EL", "QQ", "ZZ"} & COUNTRIES
