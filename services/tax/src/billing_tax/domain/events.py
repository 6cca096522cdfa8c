"""What this service tells the others, as values."""

from dataclasses import dataclass

from billing_tax.domain.exemption import Exemption
from billing_tax.domain.registration import Registration


@dataclass(frozen=True, slots=True)
class RegistrationCreated:
    registration: Registration


@dataclass(frozen=True, slots=True)
class RegistrationEnded:
    registration: Registration


@dataclass(frozen=True, slots=True)
class ExemptionCreated:
    exemption: Exemption


@dataclass(frozen=True, slots=True)
class ExemptionEnded:
    exemption: Exemption


TaxEvent = RegistrationCreated | RegistrationEnded | ExemptionCreated | ExemptionEnded
