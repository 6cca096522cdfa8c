"""Subscriptions -> their messages, and the facts that other services know of them."""

from collections.abc import Sequence
from dataclasses import replace

from billing.subscriptions.v1 import events_pb2, subscription_pb2
from billing_kernel.decimals import format_decimal

from billing_subscriptions.domain.etag import etag_of
from billing_subscriptions.domain.plan import PlanVersion
from billing_subscriptions.domain.subscription import (
    AppliedCoupon,
    Pause,
    PauseBilling,
    ScheduledChange,
    State,
    Subscription,
    SubscriptionItem,
)
from billing_subscriptions.wire.changes import change_to_pb
from billing_subscriptions.wire.charges import charge_to_pb, money_to_pb
from billing_subscriptions.wire.enums import EnumTable
from billing_subscriptions.wire.ids import (
    coupon_text,
    customer_text,
    item_text,
    plan_item_text,
    plan_text,
    redemption_text,
    scheduled_text,
    seller_text,
    subscription_text,
    version_text,
)
from billing_subscriptions.wire.plan_items import plan_item_to_pb
from billing_subscriptions.wire.policies import FIRST_STUBS, SETTLEMENTS, proration_to_pb
from billing_subscriptions.wire.times import interval_to_pb, optional_time, period_to_pb, time_to_pb

STATES = EnumTable(subscription_pb2.SubscriptionState, State, "SUBSCRIPTION_STATE_")
PAUSE_BILLINGS = EnumTable(subscription_pb2.PauseBilling, PauseBilling, "PAUSE_BILLING_")
FOR_EVER = -1


def subscription_to_pb(subscription: Subscription, version: PlanVersion | None = None) -> subscription_pb2.Subscription:
    """As its callers see it, with etag and times of record; with its plan version also the end of the term."""
    message = subscription_pb2.Subscription()
    message.CopyFrom(_shared(subscription))
    message.etag = etag_of(subscription.version)
    message.create_time.CopyFrom(time_to_pb(subscription.created_at))
    message.update_time.CopyFrom(time_to_pb(subscription.updated_at))
    term_end_at = subscription.term_end_at(version.interval) if version else None
    if term_end_at is not None:
        message.term_end_time.CopyFrom(time_to_pb(term_end_at))
    return message


TEMPLATES_MAX = 1024
_TEMPLATES: dict[object, events_pb2.SubscriptionFacts] = {}  # of published versions, which never change


class FactsBook:
    """Makes SubscriptionFacts; what the subscriptions of one plan version in one currency share is made once."""

    def __init__(self) -> None:
        self._templates = _TEMPLATES
        self._twins: dict[int, tuple[Subscription, events_pb2.SubscriptionFacts]] = {}  # by id, so kept alive

    def facts(
        self,
        subscription: Subscription,
        version: PlanVersion,
        external_customer_id: str,
        like: Subscription | None = None,
    ) -> events_pb2.SubscriptionFacts:
        """`like`: a twin, whose message is copied."""
        if like is not None and not subscription.metadata:
            return self._facts_like(like, subscription, version, external_customer_id)
        return self._facts(subscription, version, external_customer_id)

    def _facts_like(
        self, like: Subscription, subscription: Subscription, version: PlanVersion, external_customer_id: str
    ) -> events_pb2.SubscriptionFacts:
        """The message of the twin under other ids."""
        known = self._twins.get(id(like))
        if known is None:
            known = self._twins[id(like)] = (like, self._facts(replace(like, metadata={}), version, ""))
        facts = events_pb2.SubscriptionFacts()
        facts.CopyFrom(known[1])
        facts.version = subscription.version
        name_facts(
            facts,
            external_customer_id,
            subscription_text(subscription.id),
            subscription.external_id,
            customer_text(subscription.customer_id),
            [item_text(item.id) for item in subscription.items],
        )
        return facts

    def _facts(
        self, subscription: Subscription, version: PlanVersion, external_customer_id: str
    ) -> events_pb2.SubscriptionFacts:
        key = (version.id, version.currency)
        template = self._templates.get(key)
        if template is None:
            if len(self._templates) >= TEMPLATES_MAX:
                self._templates.clear()
            template = self._templates[key] = events_pb2.SubscriptionFacts(
                plan_items=map(plan_item_to_pb, version.items), interval=interval_to_pb(version.interval)
            )
        facts = events_pb2.SubscriptionFacts()
        facts.CopyFrom(template)
        facts.version = subscription.version
        facts.subscription.CopyFrom(_shared(subscription))
        facts.external_customer_id = external_customer_id
        return facts


def name_facts(
    facts: events_pb2.SubscriptionFacts,
    external_customer_id: str,
    subscription_id: str,
    external_id: str,
    customer_id: str,
    item_ids: Sequence[str],
) -> None:
    """Puts the names of a subscription into the facts of a twin."""
    facts.external_customer_id = external_customer_id
    message = facts.subscription
    message.subscription_id = subscription_id
    message.external_id = external_id
    message.customer_id = customer_id
    for told, item_id in zip(message.items, item_ids, strict=True):
        told.subscription_item_id = item_id


_LAST: list[tuple[Subscription, subscription_pb2.Subscription]] = []


def _shared(subscription: Subscription) -> subscription_pb2.Subscription:
    """To be copied: the event and the answer of a call tell of one and the same subscription."""
    if _LAST and _LAST[0][0] is subscription:
        return _LAST[0][1]
    message = _written(subscription)
    _LAST[:] = [(subscription, message)]
    return message


def _written(subscription: Subscription) -> subscription_pb2.Subscription:
    running = subscription.running_period
    message = subscription_pb2.Subscription(
        subscription_id=subscription_text(subscription.id),
        external_id=subscription.external_id,
        customer_id=customer_text(subscription.customer_id),
        plan_id=plan_text(subscription.plan_id),
        plan_version_id=version_text(subscription.plan_version_id),
        state=STATES.to_pb(subscription.state),
        currency_code=subscription.currency,
        time_zone=subscription.zone,
        anchor_time=time_to_pb(subscription.anchor_at),
        cycle_start_time=time_to_pb(subscription.cycle_start_at),
        first_stub=FIRST_STUBS.to_pb(subscription.first_stub),
        start_time=time_to_pb(subscription.started_at),
        current_period=period_to_pb(running) if running and subscription.state is not State.SCHEDULED else None,
        period_index=subscription.period_index,
        trial_end_time=optional_time(subscription.trial_end_at),
        cancel_at_period_end=subscription.cancels_at_period_end,
        cancel_time=optional_time(subscription.canceled_at),
        end_time=optional_time(subscription.ends_at),
        next_due_time=optional_time(subscription.next_due_at),
        items=[_item_to_pb(subscription, item) for item in subscription.items],
        seller_id=seller_text(subscription.seller_id),
        metadata=subscription.metadata,
        incomplete_expire_time=optional_time(subscription.expires_at),
        billed_from_time=optional_time(subscription.billed_from),
        unpaid=subscription.unpaid,
    )
    _add_plans(message, subscription)
    return message


def _add_plans(message: subscription_pb2.Subscription, subscription: Subscription) -> None:
    """What most subscriptions do not have."""
    if subscription.scheduled:
        message.scheduled_changes.extend(map(_scheduled_to_pb, subscription.scheduled))
    if subscription.pause is not None:
        message.pause.CopyFrom(_pause_to_pb(subscription.pause))
    if subscription.coupons:
        message.coupons.extend(map(_coupon_to_pb, subscription.coupons))
    if subscription.pending:
        message.pending_charges.extend(map(charge_to_pb, subscription.pending))


def _item_to_pb(subscription: Subscription, item: SubscriptionItem) -> subscription_pb2.SubscriptionItem:
    message = subscription_pb2.SubscriptionItem(
        subscription_item_id=item_text(item.id), plan_item_id=plan_item_text(item.plan_item_id), code=item.code
    )
    if item.quantity is not None:
        message.quantity = format_decimal(item.quantity)
    if subscription.scheduled:
        message.next_quantity = _next_quantity(subscription, item)
    if item.add_on_code:
        message.add_on_code = item.add_on_code
    if item.own is not None:
        message.own_item.CopyFrom(plan_item_to_pb(item.own.item))
        message.own_periods_left = item.own.periods_left or 0
    if item.since is not None:
        message.window_start_time.CopyFrom(time_to_pb(item.since))
    return message


def _next_quantity(subscription: Subscription, item: SubscriptionItem) -> str:
    """The quantity that a scheduled change gives the item with the end of the period."""
    at_end = (each.change.quantities for each in subscription.scheduled if each.at == subscription.period.end)
    found = [quantities[item.code] for quantities in at_end if item.code in quantities]
    return format_decimal(found[-1]) if found else ""


def _scheduled_to_pb(scheduled: ScheduledChange) -> subscription_pb2.ScheduledChange:
    message = subscription_pb2.ScheduledChange(
        scheduled_change_id=scheduled_text(scheduled.id),
        effective_time=time_to_pb(scheduled.at),
        change=change_to_pb(scheduled.change),
        phase_code=scheduled.phase_code,
    )
    if scheduled.proration is not None:
        message.proration.CopyFrom(proration_to_pb(scheduled.proration))
    if scheduled.settlement is not None:
        message.settlement = SETTLEMENTS.to_pb(scheduled.settlement)
    return message


def _pause_to_pb(pause: Pause) -> subscription_pb2.Pause:
    message = subscription_pb2.Pause(
        start_time=time_to_pb(pause.since),
        resume_time=optional_time(pause.resume_at),
        billing=PAUSE_BILLINGS.to_pb(pause.billing),
    )
    if pause.proration is not None:
        message.proration.CopyFrom(proration_to_pb(pause.proration))
    if pause.settlement is not None:
        message.settlement = SETTLEMENTS.to_pb(pause.settlement)
    return message


def _coupon_to_pb(coupon: AppliedCoupon) -> subscription_pb2.AppliedCoupon:
    message = subscription_pb2.AppliedCoupon(
        redemption_id=redemption_text(coupon.redemption_id),
        coupon_id=coupon_text(coupon.coupon_id),
        coupon_code=coupon.code,
        redeem_time=time_to_pb(coupon.redeemed_at),
        periods_left=FOR_EVER if coupon.periods_left is None else coupon.periods_left,
        item_codes=sorted(coupon.item_codes),
    )
    if coupon.percent is not None:
        message.percent = format_decimal(coupon.percent)
    elif coupon.amount is not None:
        message.amount.CopyFrom(money_to_pb(coupon.amount))
    return message
