"""EntitlementsService: what a customer may do now, from what is cached."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Protocol
from uuid import UUID

from billing.subscriptions.v1 import entitlements_service_pb2 as pb
from billing.subscriptions.v1 import entitlements_service_pb2_grpc as pb_grpc
from billing_runtime.paging import key_of, page_of, page_size

from billing_subscriptions.domain.entitlement import granted
from billing_subscriptions.operations.check_entitlement import Grants, Subject, UsageMeasures, check_entitlement
from billing_subscriptions.wire.entitlements import amount_from_pb, listed_to_pb, verdict_to_pb
from billing_subscriptions.wire.ids import customer_uuid, subscription_uuid

# The same few customers are asked for again and again.
_customer: Callable[[str], UUID] = lru_cache(10_000)(customer_uuid)


class NamedGrants(Grants, Protocol):
    """Grants, and whom a name means."""

    async def customer_named(self, external_id: str) -> Subject:
        """Raises CustomerNotFound."""

    async def subscription(self, subscription_id: UUID) -> Subject:
        """Raises SubscriptionNotFound."""

    async def subscription_named(self, external_id: str) -> Subject:
        """Raises SubscriptionNotFound."""


class EntitlementsServicer(pb_grpc.EntitlementsServiceServicer):
    """Answers that are never more than a second behind a committed change."""

    def __init__(self, grants: NamedGrants, usage: UsageMeasures) -> None:
        self.grants = grants
        self.usage = usage

    async def CheckEntitlement(self, request: pb.CheckEntitlementRequest, context: Any) -> pb.CheckEntitlementResponse:
        subject = await self._subject(request)
        amount = amount_from_pb(request)
        verdict = await check_entitlement(self.grants, self.usage, subject, request.feature_code, amount)
        return verdict_to_pb(verdict, subject.customer_id)

    async def ListEntitlements(self, request: pb.ListEntitlementsRequest, context: Any) -> pb.ListEntitlementsResponse:
        size, after = page_size(request.page_size), key_of(request.page_token)
        customer_id = _customer(request.customer_id)
        grants = await self.grants.grants(customer_id)
        found = granted(grants, await self.grants.now())
        left = [each for each in found if after is None or each.feature_code > after[0]]
        messages, token = page_of(
            left[: size + 1], size, lambda each: each.feature_code, lambda each: listed_to_pb(customer_id, each)
        )
        return pb.ListEntitlementsResponse(entitlements=messages, next_page_token=token)

    async def _subject(self, request: pb.CheckEntitlementRequest) -> Subject:
        match request.WhichOneof("subject"):
            case "customer_id":
                return Subject(_customer(request.customer_id))
            case "external_customer_id":
                return await self.grants.customer_named(request.external_customer_id)
            case "subscription_id":
                return await self.grants.subscription(subscription_uuid(request.subscription_id))
            case _:
                return await self.grants.subscription_named(request.external_subscription_id)
