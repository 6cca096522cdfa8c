"""Active currencies of ISO 4217 and their minor-unit exponents.

Codes without a minor unit (gold XAU, drawing rights XDR, test XTS, none XXX ...) cannot be billed and are unknown here.
"""

from billing_kernel.errors import DomainError, Kind

_BY_EXPONENT = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: """AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF
        CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF
        IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN
        MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS
        SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW
        ZWG""",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
EXPONENTS: dict[str, int] = {code: exponent for exponent, codes in _BY_EXPONENT.items() for code in codes.split()}
assert len(EXPONENTS) == sum(len(codes.split()) for codes in _BY_EXPONENT.values()), "a code is listed twice"


class UnknownCurrency(DomainError):
    """No active currency of ISO 4217."""

    kind = Kind.INVALID
    reason = "UNKNOWN_CURRENCY"


def exponent(currency: str) -> int:
    """Decimals of the minor unit: EUR 2, JPY 0, KWD 3, CLF 4. Upper case only. Raises UnknownCurrency."""
    found = EXPONENTS.get(currency)
    if found is None:
        raise UnknownCurrency(
            f"{currency[:16]!r} is not an active ISO 4217 currency", facts={"currency": currency[:16]}
        )
    return found
