"""What twins tell, as bytes: the message of the first is written once as a form, the others under their own ids."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from billing.subscriptions.v1 import events_pb2
from billing_kernel.id_columns import texts, typeids, uuid7s
from billing_runtime import outbox
from billing_runtime.byte_form import ByteForm
from billing_runtime.call import Call
from billing_runtime.events import Event, payload_bytes

from billing_subscriptions.domain.events import BillingDue, SubscriptionEvent
from billing_subscriptions.domain.twins import Twins, item_columns
from billing_subscriptions.wire.dues import due_to_pb, name_due
from billing_subscriptions.wire.events import SubscriptionMessage, due_event, event_of
from billing_subscriptions.wire.subscriptions import FactsBook, name_facts

Column = Sequence[bytes]


def told_rows(event: SubscriptionEvent, twins: Twins, call: Call) -> list[bytes]:
    """The outbox rows of the event of the first, for each."""
    model = event_of(event, FactsBook())

    def name(message: SubscriptionMessage, names: Sequence[str]) -> None:
        external_customer_id, subject, external_id, key, *items = names
        name_facts(message.subscription, external_customer_id, subject, external_id, key, items)

    subjects, keys = typeids("sub", twins.ids), typeids("cus", twins.customer_ids)
    items = [typeids("si", column) for column in twins.item_ids]
    payloads = _payloads(model, name, [twins.customer_external_ids, subjects, twins.external_ids, keys, *items])
    return _rows(model, call, keys, subjects, payloads)


def due_rows(
    due: BillingDue, twins: Twins, due_ids: Column, charge_ids: Sequence[Column], call: Call
) -> tuple[list[bytes], list[bytes]]:
    """The messages of the due of the first, for each, and their outbox rows."""
    model = due_event(due_to_pb(due))

    def name(message: events_pb2.BillingDue, names: Sequence[str]) -> None:
        due_id, subject, customer_id, payer_id, party_id, *charges = names
        told = zip(charges[::2], charges[1::2], strict=True)
        name_due(message, due_id, subject, customer_id, payer_id, party_id, told)

    subjects, keys = typeids("sub", twins.ids), typeids("cus", twins.customer_ids)
    charges = [
        column
        for ids, items in zip(charge_ids, item_columns(due.step, twins), strict=True)
        for column in (texts(ids), typeids("si", items))
    ]
    columns = [texts(due_ids), subjects, keys, keys, typeids("party", twins.party_ids), *charges]
    payloads = _payloads(model, name, columns)
    return payloads, _rows(model, call, keys, subjects, payloads)


def _payloads(model: Event, name: Callable[..., None], columns: Sequence[Column]) -> list[bytes]:
    """The payload of each; `name` puts texts in the order of the columns into a copy of the model's message."""

    def write(contents: Sequence[bytes]) -> bytes:
        message = type(model.payload)()
        message.CopyFrom(model.payload)
        name(message, [each.decode() for each in contents])
        return payload_bytes(replace(model, payload=message))

    return ByteForm.of(write, [len(column[0]) for column in columns]).fill(columns)


def _rows(model: Event, call: Call, keys: Column, subjects: Column, payloads: Column) -> list[bytes]:
    form = outbox.form_of(model, call)
    return form.fill([outbox.shards_of(keys), keys, uuid7s(len(keys)), subjects, payloads])
