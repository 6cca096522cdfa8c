"""SubscriptionsService: convert, call one operation, convert."""

from typing import Any

from billing.subscriptions.v1 import subscription_pb2
from billing.subscriptions.v1 import subscriptions_service_pb2 as pb
from billing.subscriptions.v1 import subscriptions_service_pb2_grpc as pb_grpc
from billing_runtime.masks import apply_read_mask, check_read_mask, check_update_mask
from billing_runtime.paging import page_of, page_size, uuid_of

from billing_subscriptions.operations.cancel_subscription import cancel_subscription
from billing_subscriptions.operations.change_subscription_quantity import change_subscription_quantity
from billing_subscriptions.operations.create_subscription import create_subscription
from billing_subscriptions.operations.ports import Begin, Read
from billing_subscriptions.operations.update_subscription import update_subscription
from billing_subscriptions.wire.ids import customer_uuid, subscription_uuid, version_uuid
from billing_subscriptions.wire.subscriptions import (
    CANCEL_AT,
    STATES,
    order_from_pb,
    quantity_from_pb,
    subscription_to_pb,
)

CHANGEABLE = frozenset({"external_id", "metadata"})


class SubscriptionsServicer(pb_grpc.SubscriptionsServiceServicer):
    """Agreements of customers to plan versions."""

    def __init__(self, begin: Begin, read: Read) -> None:
        self.begin = begin
        self.read = read

    async def CreateSubscription(
        self, request: pb.CreateSubscriptionRequest, context: Any
    ) -> pb.CreateSubscriptionResponse:
        order = order_from_pb(request)
        customer_id, version_id = customer_uuid(request.customer_id), version_uuid(request.plan_version_id)
        async with self.begin() as uow:
            made = await create_subscription(uow, customer_id, version_id, order)
            return await uow.answer(pb.CreateSubscriptionResponse(subscription=subscription_to_pb(made)))

    async def GetSubscription(self, request: pb.GetSubscriptionRequest, context: Any) -> pb.GetSubscriptionResponse:
        async with self.read() as reads:
            found = await reads.subscription(subscription_uuid(request.subscription_id))
        message = apply_read_mask(subscription_to_pb(found), request.read_mask)
        return pb.GetSubscriptionResponse(subscription=message)

    async def ListSubscriptions(
        self, request: pb.ListSubscriptionsRequest, context: Any
    ) -> pb.ListSubscriptionsResponse:
        check_read_mask(subscription_pb2.Subscription.DESCRIPTOR, request.read_mask)
        size = page_size(request.page_size)
        async with self.read() as reads:
            found = await reads.subscriptions(
                customer_id=customer_uuid(request.customer_id) if request.customer_id else None,
                state=STATES.from_pb(request.state) if request.state else None,
                external_id=request.external_id,
                after=uuid_of(request.page_token),
                limit=size + 1,
            )
        messages, token = page_of(
            found,
            size,
            lambda each: str(each.id),
            lambda each: apply_read_mask(subscription_to_pb(each), request.read_mask),
        )
        return pb.ListSubscriptionsResponse(subscriptions=messages, next_page_token=token)

    async def UpdateSubscription(
        self, request: pb.UpdateSubscriptionRequest, context: Any
    ) -> pb.UpdateSubscriptionResponse:
        paths = check_update_mask(request.update_mask, CHANGEABLE)
        external_id = request.external_id if "external_id" in paths else None
        metadata = dict(request.metadata) if "metadata" in paths else None
        subscription_id = subscription_uuid(request.subscription_id)
        async with self.begin() as uow:
            changed = await update_subscription(uow, subscription_id, external_id, metadata, request.etag)
            return await uow.answer(pb.UpdateSubscriptionResponse(subscription=subscription_to_pb(changed)))

    async def ChangeSubscriptionQuantity(
        self, request: pb.ChangeSubscriptionQuantityRequest, context: Any
    ) -> pb.ChangeSubscriptionQuantityResponse:
        subscription_id, quantity = subscription_uuid(request.subscription_id), quantity_from_pb(request.item)
        async with self.begin() as uow:
            changed = await change_subscription_quantity(
                uow, subscription_id, request.item.code, quantity, request.etag
            )
            return await uow.answer(pb.ChangeSubscriptionQuantityResponse(subscription=subscription_to_pb(changed)))

    async def CancelSubscription(
        self, request: pb.CancelSubscriptionRequest, context: Any
    ) -> pb.CancelSubscriptionResponse:
        at = CANCEL_AT.from_pb(request.cancel_at)
        async with self.begin() as uow:
            canceled = await cancel_subscription(uow, subscription_uuid(request.subscription_id), at, request.etag)
            return await uow.answer(pb.CancelSubscriptionResponse(subscription=subscription_to_pb(canceled)))
