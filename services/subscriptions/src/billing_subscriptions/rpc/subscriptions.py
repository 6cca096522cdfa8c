"""SubscriptionsService: convert, call one operation, convert. Changes and previews are in files of their own."""

from typing import Any

from billing.subscriptions.v1 import subscription_pb2
from billing.subscriptions.v1 import subscriptions_service_pb2 as pb
from billing.subscriptions.v1 import subscriptions_service_pb2_grpc as pb_grpc
from billing_runtime.masks import apply_read_mask, check_read_mask, check_update_mask
from billing_runtime.paging import InvalidPageToken, key_of, page_of, page_size, uuid_of

from billing_subscriptions.operations.list_changes import list_changes
from billing_subscriptions.operations.ports import Begin, Read
from billing_subscriptions.operations.update_subscription import update_subscription
from billing_subscriptions.rpc import subscription_changes as changes
from billing_subscriptions.rpc import subscription_previews as previews
from billing_subscriptions.wire.fields import (
    OF_CHANGE,
    OF_COUPON,
    OF_START,
    OF_START_PREVIEWED,
    named,
    of_change,
    of_quantity,
    of_start,
    within,
)
from billing_subscriptions.wire.history import record_to_pb
from billing_subscriptions.wire.ids import customer_uuid, subscription_uuid
from billing_subscriptions.wire.subscriptions import STATES, subscription_to_pb
from billing_subscriptions.wire.times import time_from_pb

CHANGEABLE = frozenset({"external_id", "metadata"})


class SubscriptionsServicer(pb_grpc.SubscriptionsServiceServicer):
    """Agreements of customers to plan versions."""

    def __init__(self, begin: Begin, read: Read) -> None:
        self.begin = begin
        self.read = read

    async def GetSubscription(self, request: pb.GetSubscriptionRequest, context: Any) -> pb.GetSubscriptionResponse:
        as_of = time_from_pb(request.as_of) if request.HasField("as_of") else None
        async with self.read() as reads:
            found = await reads.subscription(subscription_uuid(request.subscription_id), as_of)
            version = await reads.version(found.plan_version_id) if found.term_periods_left is not None else None
        message = apply_read_mask(subscription_to_pb(found, version), request.read_mask)
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
            terms = {each.plan_version_id for each in found if each.term_periods_left is not None}
            versions = await reads.catalogue.versions(terms) if terms else {}
        messages, token = page_of(
            found,
            size,
            lambda each: str(each.id),
            lambda each: apply_read_mask(
                subscription_to_pb(each, versions.get(each.plan_version_id)), request.read_mask
            ),
        )
        return pb.ListSubscriptionsResponse(subscriptions=messages, next_page_token=token)

    async def ListSubscriptionChanges(
        self, request: pb.ListSubscriptionChangesRequest, context: Any
    ) -> pb.ListSubscriptionChangesResponse:
        size, after = page_size(request.page_size), _version(request.page_token)
        async with self.read() as reads:
            subscription_id = subscription_uuid(request.subscription_id)
            found, names = await list_changes(reads, subscription_id, after=after, limit=size + 1)
        messages, token = page_of(found, size, lambda each: str(each.version), lambda each: record_to_pb(each, names))
        return pb.ListSubscriptionChangesResponse(changes=messages, next_page_token=token)

    async def UpdateSubscription(
        self, request: pb.UpdateSubscriptionRequest, context: Any
    ) -> pb.UpdateSubscriptionResponse:
        paths = check_update_mask(request.update_mask, CHANGEABLE)
        external_id = request.external_id if "external_id" in paths else None
        metadata = dict(request.metadata) if "metadata" in paths else None
        subscription_id = subscription_uuid(request.subscription_id)
        async with self.begin() as uow:
            changed, version = await update_subscription(
                uow, subscription_id, external_id, metadata, request.etag, request.reason
            )
            return await uow.answer(pb.UpdateSubscriptionResponse(subscription=subscription_to_pb(changed, version)))

    async def CreateSubscription(
        self, request: pb.CreateSubscriptionRequest, context: Any
    ) -> pb.CreateSubscriptionResponse:
        with named(of_start, OF_START):
            return await changes.create(self.begin, request)

    async def ChangeSubscription(
        self, request: pb.ChangeSubscriptionRequest, context: Any
    ) -> pb.ChangeSubscriptionResponse:
        with named(of_change, OF_CHANGE):
            return await changes.change(self.begin, request)

    async def ChangeSubscriptionQuantity(
        self, request: pb.ChangeSubscriptionQuantityRequest, context: Any
    ) -> pb.ChangeSubscriptionQuantityResponse:
        with named(of_quantity):
            return await changes.change_quantity(self.begin, request)

    async def CancelSubscription(
        self, request: pb.CancelSubscriptionRequest, context: Any
    ) -> pb.CancelSubscriptionResponse:
        with named(of_change):
            return await changes.cancel(self.begin, request)

    async def UndoCancelSubscription(
        self, request: pb.UndoCancelSubscriptionRequest, context: Any
    ) -> pb.UndoCancelSubscriptionResponse:
        return await changes.undo_cancel(self.begin, request)

    async def PauseSubscription(
        self, request: pb.PauseSubscriptionRequest, context: Any
    ) -> pb.PauseSubscriptionResponse:
        return await changes.pause(self.begin, request)

    async def ResumeSubscription(
        self, request: pb.ResumeSubscriptionRequest, context: Any
    ) -> pb.ResumeSubscriptionResponse:
        return await changes.resume(self.begin, request)

    async def DeleteScheduledChange(
        self, request: pb.DeleteScheduledChangeRequest, context: Any
    ) -> pb.DeleteScheduledChangeResponse:
        return await changes.delete_change(self.begin, request)

    async def SetSubscriptionSchedule(
        self, request: pb.SetSubscriptionScheduleRequest, context: Any
    ) -> pb.SetSubscriptionScheduleResponse:
        return await changes.set_schedule(self.begin, request)

    async def RedeemCoupon(self, request: pb.RedeemCouponRequest, context: Any) -> pb.RedeemCouponResponse:
        with named(of_change, OF_COUPON):
            return await changes.redeem(self.begin, request)

    async def RemoveCoupon(self, request: pb.RemoveCouponRequest, context: Any) -> pb.RemoveCouponResponse:
        return await changes.remove(self.begin, request)

    async def PreviewChange(self, request: pb.PreviewChangeRequest, context: Any) -> pb.PreviewChangeResponse:
        with named(of_change, OF_CHANGE):
            return await previews.preview_of_change(self.read, request)

    async def PreviewCancelation(
        self, request: pb.PreviewCancelationRequest, context: Any
    ) -> pb.PreviewCancelationResponse:
        with named(of_change):
            return await previews.preview_of_cancelation(self.read, request)

    async def PreviewSubscription(
        self, request: pb.PreviewSubscriptionRequest, context: Any
    ) -> pb.PreviewSubscriptionResponse:
        with named(within("subscription", of_start), OF_START_PREVIEWED):
            return await previews.preview_of_subscription(self.read, request)

    async def PreviewBillingSchedule(
        self, request: pb.PreviewBillingScheduleRequest, context: Any
    ) -> pb.PreviewBillingScheduleResponse:
        with named(of_start):
            return previews.preview_of_billing_schedule(request)


def _version(token: str) -> int:
    """The version in a page token; 0 for the first page. Raises InvalidPageToken."""
    key = key_of(token)
    if key is None:
        return 0
    if not (key[0].isascii() and key[0].isdigit() and len(key[0]) < 16):
        raise InvalidPageToken("the page token was not given by this method")
    return int(key[0])
