"""Domain event -> topic, key, type and payload. The key is the seller, or the customer for exemptions."""

from datetime import datetime

from billing.tax.v1 import events_pb2 as pb
from billing_runtime.events import Event

from billing_tax.domain.events import ExemptionCreated, ExemptionEnded, RegistrationCreated, RegistrationEnded, TaxEvent
from billing_tax.domain.exemption import Exemption
from billing_tax.domain.registration import Registration
from billing_tax.wire.exemptions import exemption_facts_to_pb
from billing_tax.wire.registrations import registration_facts_to_pb

TOPIC = "billing.tax.v1"

_REGISTRATION_EVENTS = {RegistrationCreated: pb.RegistrationCreated, RegistrationEnded: pb.RegistrationEnded}
_EXEMPTION_EVENTS = {ExemptionCreated: pb.ExemptionCreated, ExemptionEnded: pb.ExemptionEnded}


def event_to_pb(event: TaxEvent, effective_at: datetime) -> Event:
    """The event as it is published; its sequence is the version of the resource."""
    if isinstance(event, RegistrationCreated | RegistrationEnded):
        return _of_registration(event, event.registration, effective_at)
    return _of_exemption(event, event.exemption, effective_at)


def _of_registration(
    event: RegistrationCreated | RegistrationEnded, registration: Registration, effective_at: datetime
) -> Event:
    facts = registration_facts_to_pb(registration)
    payload = _REGISTRATION_EVENTS[type(event)](registration=facts)
    kind = payload.DESCRIPTOR.full_name
    return Event(TOPIC, facts.seller_id, kind, facts.registration_id, payload, effective_at, registration.version)


def _of_exemption(event: ExemptionCreated | ExemptionEnded, exemption: Exemption, effective_at: datetime) -> Event:
    facts = exemption_facts_to_pb(exemption)
    payload = _EXEMPTION_EVENTS[type(event)](exemption=facts)
    kind = payload.DESCRIPTOR.full_name
    return Event(TOPIC, facts.customer_id, kind, facts.exemption_id, payload, effective_at, exemption.version)
