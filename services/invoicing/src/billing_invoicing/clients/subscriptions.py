"""`Renewals` and `PartyBook` over the subscriptions service."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import grpc
from billing.subscriptions.v1 import (
    customers_service_pb2,
    customers_service_pb2_grpc,
    renewals_service_pb2,
    renewals_service_pb2_grpc,
    subscriptions_service_pb2,
    subscriptions_service_pb2_grpc,
)

from billing_invoicing.clients.streams import slices, whole
from billing_invoicing.domain.due import Due, Refusal
from billing_invoicing.domain.seller import Party
from billing_invoicing.operations.ports import PartyVersion
from billing_invoicing.wire.dues import due_from_pb
from billing_invoicing.wire.values import (
    CUSTOMER,
    PARTY,
    RUN,
    SUBSCRIPTION,
    id_from_pb,
    id_to_pb,
    instant_to_pb,
    party_from_pb,
)

PARTIES_MAX = 2000  # of one question: far below 4 MiB


class SubscriptionsRenewals:
    """`deadline_s` is for each call."""

    def __init__(self, channel: grpc.aio.Channel, deadline_s: float) -> None:
        self._renewals = renewals_service_pb2_grpc.RenewalsServiceStub(channel)
        self._subscriptions = subscriptions_service_pb2_grpc.SubscriptionsServiceStub(channel)
        self._deadline_s = deadline_s

    async def run(self, run_id: UUID, as_of: datetime, limit: int) -> tuple[int, bool]:
        request = renewals_service_pb2.RunRenewalsRequest(
            run_id=id_to_pb(RUN, run_id), as_of=instant_to_pb(as_of), limit=limit
        )
        answer = await self._renewals.RunRenewals(request, timeout=self._deadline_s)
        return answer.published_in_run, answer.more

    async def preview(self, subscription_id: UUID) -> Due | None:
        name = id_to_pb(SUBSCRIPTION, subscription_id)
        request = renewals_service_pb2.PreviewBillingDueRequest(subscription_id=name)
        answer = await self._renewals.PreviewBillingDue(request, timeout=self._deadline_s)
        return due_from_pb(answer.due) if answer.HasField("due") else None

    async def customer_of(self, subscription_id: UUID) -> UUID:
        name = id_to_pb(SUBSCRIPTION, subscription_id)
        request = subscriptions_service_pb2.GetSubscriptionRequest(subscription_id=name)
        answer = await self._subscriptions.GetSubscription(request, timeout=self._deadline_s)
        return id_from_pb(CUSTOMER, answer.subscription.customer_id)


class SubscriptionsParties:
    """The same for parties."""

    def __init__(self, channel: grpc.aio.Channel, deadline_s: float) -> None:
        self._stub = customers_service_pb2_grpc.CustomersServiceStub(channel)
        self._deadline_s = deadline_s

    async def fetch(self, wanted: Sequence[PartyVersion]) -> Mapping[PartyVersion, Party | Refusal]:
        found: dict[PartyVersion, Party | Refusal] = {}
        for part in slices(wanted, PARTIES_MAX):
            request = customers_service_pb2.BatchGetPartiesRequest(parties=[_version(each) for each in part])
            messages = await whole(self._stub.BatchGetParties(request, timeout=self._deadline_s))
            for message in messages:
                for answer in message.parties:
                    named = answer.party_version
                    version = (id_from_pb(PARTY, named.party_id), named.version)
                    found[version] = _party(answer)
        return found


def _version(version: PartyVersion) -> customers_service_pb2.PartyVersion:
    return customers_service_pb2.PartyVersion(party_id=id_to_pb(PARTY, version[0]), version=version[1])


def _party(answer: customers_service_pb2.PartyAnswer) -> Party | Refusal:
    if answer.WhichOneof("answer") != "party":
        return Refusal(answer.error.reason or "PARTY_NOT_FOUND", answer.error.message)
    return party_from_pb(answer.party)
