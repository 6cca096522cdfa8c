"""Billing schedules <-> their messages."""

from collections.abc import Sequence
from fractions import Fraction

from billing.subscriptions.v1 import subscriptions_service_pb2 as pb
from billing_kernel.money import Money

from billing_subscriptions.domain.preview import PERIODS_DEFAULT, ScheduledPeriod, ScheduleOrder
from billing_subscriptions.wire.charges import money_to_pb, ratio_to_pb
from billing_subscriptions.wire.policies import alignment_from_pb, proration_from_pb
from billing_subscriptions.wire.times import interval_from_pb, period_to_pb, time_from_pb


def schedule_order_from_pb(request: pb.PreviewBillingScheduleRequest) -> ScheduleOrder:
    """Raises InvalidProration, UnknownCurrency."""
    amount = request.amount
    return ScheduleOrder(
        start=time_from_pb(request.start_time),
        interval=interval_from_pb(request.interval),
        zone=request.time_zone or "UTC",
        end=time_from_pb(request.end_time) if request.HasField("end_time") else None,
        alignment=alignment_from_pb(request.alignment),
        proration=proration_from_pb(request.proration),
        periods=request.periods or PERIODS_DEFAULT,
        from_at=time_from_pb(request.from_time) if request.HasField("from_time") else None,
        amount=Money(amount.currency_code, amount.amount_minor) if request.HasField("amount") else None,
    )


def schedule_to_pb(periods: Sequence[ScheduledPeriod]) -> pb.PreviewBillingScheduleResponse:
    total = sum((each.share for each in periods), Fraction(0))
    return pb.PreviewBillingScheduleResponse(periods=map(_period_to_pb, periods), total_share=ratio_to_pb(total))


def _period_to_pb(scheduled: ScheduledPeriod) -> pb.ScheduledPeriod:
    return pb.ScheduledPeriod(
        index=scheduled.index,
        period=period_to_pb(scheduled.period),
        share=ratio_to_pb(scheduled.share),
        amount=money_to_pb(scheduled.amount) if scheduled.amount is not None else None,
        explanation=scheduled.explanation,
    )
