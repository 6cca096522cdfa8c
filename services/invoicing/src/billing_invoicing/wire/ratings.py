"""What usage is asked and answers about metered charges."""

from billing.common.v1 import period_pb2
from billing.usage.v1 import rating_service_pb2 as pb

from billing_invoicing.domain.due import Charge, Due, Exact, Rating, Refusal
from billing_invoicing.wire.values import (
    ITEM,
    PRICE,
    cached_id_to_pb,
    id_to_pb,
    instant_to_pb,
    ratio_to_pb,
    uuid_from_pb,
)


def item_to_pb(due: Due, charge: Charge) -> pb.RateItem:
    """A metered charge."""
    assert charge.price_id is not None
    return pb.RateItem(
        charge_id=str(charge.charge_id),
        subscription_item_id=id_to_pb(ITEM, charge.item_id),
        subscription_version=due.subscription_version,
        price_id=cached_id_to_pb(PRICE, charge.price_id),
        period=period_pb2.Period(start=instant_to_pb(charge.period_start), end=instant_to_pb(charge.period_end)),
        tiers_from_time=instant_to_pb(charge.tiers_from_at),
        limits_share=ratio_to_pb(charge.limits_share),
    )


def answer_from_pb(answer: pb.RateAnswer) -> Rating | Refusal:
    if answer.WhichOneof("answer") != "rating":
        return Refusal(answer.error.reason or "NOT_RATED", answer.error.message)
    rating = answer.rating
    return Rating(
        uuid_from_pb(rating.rating_id, "rating_id") if rating.rating_id else None,
        rating.quantity,
        rating.event_count,
        Exact(rating.exact_amount.numerator, rating.exact_amount.denominator),
        rating.amount.amount_minor,
        rating.amount.currency_code,
        rating.explanation,
    )
