"""Rows <-> values."""

from typing import Any

from sqlalchemy import Row

from billing_tax.domain.exemption import Exemption
from billing_tax.domain.places import Place
from billing_tax.domain.registration import Registration, Scheme


def registration_to_row(registration: Registration) -> dict[str, Any]:
    return {
        "registration_id": registration.id,
        "seller_id": registration.seller_id,
        "country": registration.place.country,
        "region": registration.place.region,
        "scheme": registration.scheme.value,
        "tax_number": registration.tax_number,
        "start_at": registration.start,
        "end_at": registration.end,
        "metadata": registration.metadata,
        "version": registration.version,
        "created_at": registration.created_at,
        "updated_at": registration.updated_at,
    }


def registration_from_row(row: Row[Any]) -> Registration:
    return Registration(
        id=row.registration_id,
        seller_id=row.seller_id,
        place=Place(row.country, row.region),
        scheme=Scheme(row.scheme),
        tax_number=row.tax_number,
        start=row.start_at,
        end=row.end_at,
        metadata=row.metadata,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def exemption_to_row(exemption: Exemption) -> dict[str, Any]:
    return {
        "exemption_id": exemption.id,
        "customer_id": exemption.customer_id,
        "country": exemption.place.country,
        "region": exemption.place.region,
        "certificate_number": exemption.certificate_number,
        "start_at": exemption.start,
        "end_at": exemption.end,
        "metadata": exemption.metadata,
        "version": exemption.version,
        "created_at": exemption.created_at,
    }


def exemption_from_row(row: Row[Any]) -> Exemption:
    return Exemption(
        id=row.exemption_id,
        customer_id=row.customer_id,
        place=Place(row.country, row.region),
        certificate_number=row.certificate_number,
        start=row.start_at,
        end=row.end_at,
        metadata=row.metadata,
        version=row.version,
        created_at=row.created_at,
    )
