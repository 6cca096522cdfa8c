"""Percents and rates of the table as text."""

from datetime import date, timedelta
from fractions import Fraction

from billing.tax.v1 import tax_service_pb2 as pb
from billing_kernel.decimals import format_decimal

from billing_tax.domain.rates import Rate

FRACTION_DIGITS_MAX = 6


def percent_to_pb(percent: Fraction) -> str:
    """19 -> "19", 9.975 -> "9.975"."""
    return format_decimal(percent, FRACTION_DIGITS_MAX)


def rate_to_pb(rate: Rate) -> pb.Rate:
    """The contract names the last day, the table the first day behind it."""
    return pb.Rate(
        name=rate.tax,
        country_code=rate.place.country,
        region=rate.place.region,
        category=rate.category.value,
        rate_percent=percent_to_pb(rate.percent),
        valid_from=rate.valid_from.isoformat(),
        valid_to=_last_day(rate.valid_to),
        source=rate.source,
    )


def _last_day(behind: date | None) -> str:
    return (behind - timedelta(days=1)).isoformat() if behind else ""
