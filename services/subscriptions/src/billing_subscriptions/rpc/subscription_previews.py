"""Previews of the life of subscriptions: the code of the calls, without a write."""

from billing.subscriptions.v1 import subscriptions_service_pb2 as pb

from billing_subscriptions.domain.preview import billing_schedule
from billing_subscriptions.operations.ports import Read
from billing_subscriptions.operations.preview_cancelation import preview_cancelation
from billing_subscriptions.operations.preview_change import charges_of, effective_at, preview_change
from billing_subscriptions.operations.preview_subscription import preview_subscription
from billing_subscriptions.wire.charges import charges_to_pb, commitment_to_pb, discount_to_pb, money_to_pb, net_of
from billing_subscriptions.wire.ids import customer_uuid, subscription_uuid
from billing_subscriptions.wire.orders import cancel_order_from_pb, change_order_from_pb, order_from_pb, sold_from_pb
from billing_subscriptions.wire.policies import rules_to_pb
from billing_subscriptions.wire.schedules import schedule_order_from_pb, schedule_to_pb
from billing_subscriptions.wire.subscriptions import subscription_to_pb
from billing_subscriptions.wire.times import optional_time, time_from_pb, time_to_pb


async def preview_of_change(read: Read, request: pb.PreviewChangeRequest) -> pb.PreviewChangeResponse:
    order, subscription_id = change_order_from_pb(request), subscription_uuid(request.subscription_id)
    at = time_from_pb(request.at_time) if request.HasField("at_time") else None
    async with read() as reads:
        preview = await preview_change(reads, subscription_id, order, at)
    decided, ahead = preview.decided, preview.ahead
    charges, after = charges_of(decided), decided.subscription
    return pb.PreviewChangeResponse(
        subscription=subscription_to_pb(after, decided.version),
        charges=charges_to_pb(charges),
        net=net_of(charges, after.currency),
        effective_time=time_to_pb(effective_at(decided)),
        rules=rules_to_pb(decided.rules),
        next_charges=charges_to_pb(ahead.charges),
        next_discounts=map(discount_to_pb, ahead.coupons),
        next_discount=money_to_pb(ahead.discount),
        next_net=money_to_pb(ahead.net),
        next_commitment=commitment_to_pb(ahead.commitment) if ahead.commitment else None,
    )


async def preview_of_cancelation(read: Read, request: pb.PreviewCancelationRequest) -> pb.PreviewCancelationResponse:
    order, subscription_id = cancel_order_from_pb(request), subscription_uuid(request.subscription_id)
    at = time_from_pb(request.at_time) if request.HasField("at_time") else None
    async with read() as reads:
        preview = await preview_cancelation(reads, subscription_id, order, at)
    after = preview.decided.subscription
    return pb.PreviewCancelationResponse(
        subscription=subscription_to_pb(after, preview.decided.version),
        charges=charges_to_pb(preview.charges),
        net=net_of(preview.charges, after.currency),
        effective_time=time_to_pb(preview.ends_at),
        commitment=commitment_to_pb(preview.commitment) if preview.commitment else None,
    )


async def preview_of_subscription(read: Read, request: pb.PreviewSubscriptionRequest) -> pb.PreviewSubscriptionResponse:
    wanted = request.subscription
    order, sold, customer_id = order_from_pb(wanted), sold_from_pb(wanted), customer_uuid(wanted.customer_id)
    async with read() as reads:
        preview = await preview_subscription(reads, customer_id, sold, order, wanted.coupon_codes)
    made, bill = preview.created.subscription, preview.bill
    return pb.PreviewSubscriptionResponse(
        subscription=subscription_to_pb(made, preview.created.version),
        charges=charges_to_pb(bill.charges),
        net=money_to_pb(bill.net),
        first_due_time=optional_time(preview.first_due_at),
        discounts=map(discount_to_pb, bill.coupons),
        discount=money_to_pb(bill.discount),
        commitment=commitment_to_pb(bill.commitment) if bill.commitment else None,
    )


def preview_of_billing_schedule(request: pb.PreviewBillingScheduleRequest) -> pb.PreviewBillingScheduleResponse:
    return schedule_to_pb(billing_schedule(schedule_order_from_pb(request)))
