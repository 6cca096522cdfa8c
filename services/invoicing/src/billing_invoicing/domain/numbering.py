"""Invoice numbers: "<prefix>-<year>-<six digits>", without gap per seller, series and year of the seller's zone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

INVOICES = "invoice"  # the series of invoices; other documents count for themselves


class Number(NamedTuple):
    """`invoice_at` is never before that of the number before it."""

    year: int
    sequence: int
    invoice_at: datetime


@dataclass(frozen=True, slots=True)
class Series:
    """Where a series stands: the last sequence of each year and the date of the last invoice of all."""

    last: Mapping[int, int]
    last_invoice_at: datetime | None


def take(series: Series, wanted: Sequence[datetime], zone: tzinfo) -> tuple[list[Number], Series]:
    """One number for each instant of `wanted`, in its order, and where the series stands afterwards.

    An instant before the invoice before it is moved to that one's: dates never go back within a series.
    """
    last = dict(series.last)
    latest = series.last_invoice_at
    taken: list[Number] = []
    for instant in wanted:
        latest = instant if latest is None or instant > latest else latest
        year = latest.astimezone(zone).year
        last[year] = last.get(year, 0) + 1
        taken.append(Number(year, last[year], latest))
    return taken, Series(last, latest)


def format_number(prefix: str, year: int, sequence: int) -> str:
    """ "ACME-2026-000042"; beyond 999,999 a year the number grows a digit."""
    return f"{prefix}-{year:04d}-{sequence:06d}"


def due_at(invoice_at: datetime, net_terms_days: int, zone: tzinfo) -> datetime:
    """When an invoice is to be paid: whole days on the seller's calendar, the same time of day."""
    if net_terms_days == 0:
        return invoice_at
    return (invoice_at.astimezone(zone) + timedelta(days=net_terms_days)).astimezone(UTC)
