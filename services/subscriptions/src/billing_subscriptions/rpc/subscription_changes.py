"""Commands of the life of subscriptions: convert, call one operation, convert, keep the answer."""

from typing import Any

from billing.subscriptions.v1 import subscription_pb2
from billing.subscriptions.v1 import subscriptions_service_pb2 as pb

from billing_subscriptions.domain.policy import Settlement
from billing_subscriptions.operations.cancel_subscription import cancel_subscription
from billing_subscriptions.operations.change_subscription import change_subscription
from billing_subscriptions.operations.change_subscription_quantity import change_subscription_quantity
from billing_subscriptions.operations.create_subscription import create_subscription
from billing_subscriptions.operations.delete_scheduled_change import delete_scheduled_change
from billing_subscriptions.operations.life import Decided
from billing_subscriptions.operations.pause_subscription import pause_subscription
from billing_subscriptions.operations.ports import Begin
from billing_subscriptions.operations.preview_change import charges_of, effective_at
from billing_subscriptions.operations.redeem_coupon import redeem_coupon
from billing_subscriptions.operations.remove_coupon import remove_coupon
from billing_subscriptions.operations.resume_subscription import resume_subscription
from billing_subscriptions.operations.set_subscription_schedule import set_subscription_schedule
from billing_subscriptions.operations.undo_cancel_subscription import undo_cancel_subscription
from billing_subscriptions.wire.changes import quantity_from_pb
from billing_subscriptions.wire.charges import charges_to_pb, net_of
from billing_subscriptions.wire.ids import customer_uuid, redemption_uuid, scheduled_uuid, subscription_uuid
from billing_subscriptions.wire.orders import (
    cancel_order_from_pb,
    change_order_from_pb,
    effective_at_from_pb,
    order_from_pb,
    pause_order_from_pb,
    phase_from_pb,
    sold_from_pb,
    wishes_from_pb,
)
from billing_subscriptions.wire.policies import optional_settlement, rules_to_pb
from billing_subscriptions.wire.subscriptions import subscription_to_pb
from billing_subscriptions.wire.times import time_to_pb


async def create(begin: Begin, request: pb.CreateSubscriptionRequest) -> pb.CreateSubscriptionResponse:
    order, sold, customer_id = order_from_pb(request), sold_from_pb(request), customer_uuid(request.customer_id)
    async with begin() as uow:
        made = await create_subscription(uow, customer_id, sold, order, request.coupon_codes, request.reason)
        message = subscription_to_pb(made.subscription, made.version)
        return await uow.answer(pb.CreateSubscriptionResponse(subscription=message))


async def change(begin: Begin, request: pb.ChangeSubscriptionRequest) -> pb.ChangeSubscriptionResponse:
    order, subscription_id = change_order_from_pb(request), subscription_uuid(request.subscription_id)
    async with begin() as uow:
        decided = await change_subscription(uow, subscription_id, order, request.etag, request.reason)
        return await uow.answer(pb.ChangeSubscriptionResponse(**_changed(decided)))


async def change_quantity(
    begin: Begin, request: pb.ChangeSubscriptionQuantityRequest
) -> pb.ChangeSubscriptionQuantityResponse:
    subscription_id, item = subscription_uuid(request.subscription_id), request.item
    quantity, wishes, at = quantity_from_pb(item), wishes_from_pb(request), effective_at_from_pb(request)
    async with begin() as uow:
        decided = await change_subscription_quantity(
            uow, subscription_id, item.code, quantity, wishes, request.etag, request.reason, at=at
        )
        return await uow.answer(pb.ChangeSubscriptionQuantityResponse(**_changed(decided)))


async def cancel(begin: Begin, request: pb.CancelSubscriptionRequest) -> pb.CancelSubscriptionResponse:
    order, subscription_id = cancel_order_from_pb(request), subscription_uuid(request.subscription_id)
    async with begin() as uow:
        decided = await cancel_subscription(uow, subscription_id, order, request.etag, request.reason)
        charges = charges_to_pb(decided.made)
        return await uow.answer(pb.CancelSubscriptionResponse(subscription=_after(decided), charges=charges))


async def undo_cancel(begin: Begin, request: pb.UndoCancelSubscriptionRequest) -> pb.UndoCancelSubscriptionResponse:
    async with begin() as uow:
        subscription_id = subscription_uuid(request.subscription_id)
        decided = await undo_cancel_subscription(uow, subscription_id, request.etag, request.reason)
        return await uow.answer(pb.UndoCancelSubscriptionResponse(subscription=_after(decided)))


async def pause(begin: Begin, request: pb.PauseSubscriptionRequest) -> pb.PauseSubscriptionResponse:
    order, subscription_id = pause_order_from_pb(request), subscription_uuid(request.subscription_id)
    async with begin() as uow:
        decided = await pause_subscription(uow, subscription_id, order, request.etag, request.reason)
        paused = decided.subscription.pause
        answer = pb.PauseSubscriptionResponse(
            subscription=_after(decided),
            charges=charges_to_pb(decided.made),
            net=net_of(decided.made, decided.subscription.currency),
            effective_time=time_to_pb(paused.since if paused else decided.opened.sight.now),
        )
        return await uow.answer(answer)


async def resume(begin: Begin, request: pb.ResumeSubscriptionRequest) -> pb.ResumeSubscriptionResponse:
    async with begin() as uow:
        subscription_id = subscription_uuid(request.subscription_id)
        settlement = optional_settlement(request.settlement) or Settlement.AT_ONCE
        decided = await resume_subscription(uow, subscription_id, request.etag, request.reason, settlement=settlement)
        answer = pb.ResumeSubscriptionResponse(
            subscription=_after(decided),
            charges=charges_to_pb(decided.made),
            net=net_of(decided.made, decided.subscription.currency),
            effective_time=time_to_pb(decided.opened.sight.now),
        )
        return await uow.answer(answer)


async def delete_change(begin: Begin, request: pb.DeleteScheduledChangeRequest) -> pb.DeleteScheduledChangeResponse:
    subscription_id = subscription_uuid(request.subscription_id)
    async with begin() as uow:
        decided = await delete_scheduled_change(
            uow, subscription_id, scheduled_uuid(request.scheduled_change_id), request.etag, request.reason
        )
        return await uow.answer(pb.DeleteScheduledChangeResponse(subscription=_after(decided)))


async def set_schedule(begin: Begin, request: pb.SetSubscriptionScheduleRequest) -> pb.SetSubscriptionScheduleResponse:
    phases = [phase_from_pb(each, index) for index, each in enumerate(request.phases)]
    async with begin() as uow:
        subscription_id = subscription_uuid(request.subscription_id)
        decided = await set_subscription_schedule(uow, subscription_id, phases, request.etag, request.reason)
        return await uow.answer(pb.SetSubscriptionScheduleResponse(subscription=_after(decided)))


async def redeem(begin: Begin, request: pb.RedeemCouponRequest) -> pb.RedeemCouponResponse:
    async with begin() as uow:
        subscription_id = subscription_uuid(request.subscription_id)
        decided = await redeem_coupon(uow, subscription_id, request.coupon_code, request.etag, request.reason)
        return await uow.answer(pb.RedeemCouponResponse(subscription=_after(decided)))


async def remove(begin: Begin, request: pb.RemoveCouponRequest) -> pb.RemoveCouponResponse:
    async with begin() as uow:
        subscription_id, redemption_id = (
            subscription_uuid(request.subscription_id),
            redemption_uuid(request.redemption_id),
        )
        decided = await remove_coupon(uow, subscription_id, redemption_id, request.etag, request.reason)
        return await uow.answer(pb.RemoveCouponResponse(subscription=_after(decided)))


def _changed(decided: Decided) -> dict[str, Any]:
    """The fields that answers to changes have in common."""
    charges = charges_of(decided)
    return {
        "subscription": _after(decided),
        "charges": charges_to_pb(charges),
        "net": net_of(charges, decided.subscription.currency),
        "effective_time": time_to_pb(effective_at(decided)),
        "rules": rules_to_pb(decided.rules),
    }


def _after(decided: Decided) -> subscription_pb2.Subscription:
    return subscription_to_pb(decided.subscription, decided.version)
