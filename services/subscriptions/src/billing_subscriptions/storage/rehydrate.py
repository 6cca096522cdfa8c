"""Answers that are given again: the idempotency store keeps no personal data, so the party is read back."""

from collections.abc import Mapping
from typing import Any

from billing.subscriptions.v1 import customers_service_pb2 as pb
from billing_runtime.database import Rehydrate
from billing_runtime.transaction import Transaction

from billing_subscriptions.storage.queries import PostgresReads
from billing_subscriptions.wire.customers import party_to_pb
from billing_subscriptions.wire.ids import party_uuid


async def refill_party(tx: Transaction, response: Any) -> None:
    """Puts the party version of the first answer back into its customer; an erased one stays empty."""
    customer = response.customer
    key = (party_uuid(customer.party_id), customer.party_version)
    party = (await PostgresReads(tx).parties([key])).get(key)
    if party is not None:
        customer.party.CopyFrom(party_to_pb(party))


REHYDRATE: Mapping[str, Rehydrate] = {
    str(message.DESCRIPTOR.full_name): refill_party
    for message in (pb.CreateCustomerResponse, pb.UpdateCustomerResponse, pb.ArchiveCustomerResponse)
}
