"""Charges and ratings between protobuf and domain."""

import re
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from uuid import UUID

from billing.common.v1 import money_pb2, period_pb2, ratio_pb2
from billing.usage.v1 import rating_service_pb2, usage_service_pb2
from billing_kernel.decimals import format_decimal
from billing_kernel.errors import DomainError, Invalid
from billing_kernel.money import ExactAmount, Money
from billing_kernel.period import InvalidPeriod, Period

from billing_usage.domain.errors import Refusal
from billing_usage.domain.measuring import Scope
from billing_usage.domain.rating import Answer, Charge, Rating
from billing_usage.operations.read_usage import ItemUsage, UsageAnswer
from billing_usage.wire.ids import (
    instant_from_pb,
    instant_to_pb,
    item_id_from_text,
    item_text,
    price_id_from_text,
)
from billing_usage.wire.meters import AGGREGATIONS_TO_PB
from billing_usage.wire.usage_events import refusal_to_pb

ANSWERS_MAX = 500  # of one message
MESSAGE_BYTES_MAX = 1024 * 1024
CHARGE_ID_SHOWN = 36
_DIGITS = re.compile(r"[0-9]{1,40}", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def charge_from_pb(item: rating_service_pb2.RateItem) -> Charge | Refusal:
    """The charge, or the first thing that is wrong with it."""
    if _UUID.fullmatch(item.charge_id) is None:
        return Refusal("INVALID_CHARGE", "a charge id is a uuid", "charge_id")
    if item.subscription_version < 1:
        return Refusal("INVALID_CHARGE", "versions start at 1", "subscription_version")
    if not (item.period.HasField("start") and item.period.HasField("end")):
        return Refusal("INVALID_CHARGE", "a period has a start and an end", "period")
    try:
        return Charge(
            charge_id=UUID(item.charge_id),
            item_id=item_id_from_text(item.subscription_item_id),
            subscription_version=item.subscription_version,
            price_id=price_id_from_text(item.price_id),
            scope=_scope_from_pb(item),
        )
    except DomainError as error:
        return Refusal("INVALID_CHARGE", error.message)


def rate_messages(
    items: Sequence[rating_service_pb2.RateItem], answers: Iterable[Answer]
) -> Iterator[rating_service_pb2.BatchRateUsageResponse]:
    """In order, at most 500 answers and 1 MiB a message; the last one carries the end marker."""
    message, size = rating_service_pb2.BatchRateUsageResponse(), 0
    for item, answer in zip(items, answers, strict=True):
        made = _answer_to_pb(item.charge_id, answer)
        made_bytes = made.ByteSize() + 8  # tag and length
        if message.answers and (len(message.answers) == ANSWERS_MAX or size + made_bytes > MESSAGE_BYTES_MAX):
            yield message
            message, size = rating_service_pb2.BatchRateUsageResponse(), 0
        message.answers.append(made)
        size += made_bytes
    message.end = True
    yield message


def usage_to_pb(answer: UsageAnswer) -> usage_service_pb2.GetUsageResponse:
    return usage_service_pb2.GetUsageResponse(
        period=period_to_pb(answer.period), items=[_item_usage_to_pb(item) for item in answer.items]
    )


def period_from_pb(period: period_pb2.Period) -> Period:
    """Raises InvalidTime, InvalidPeriod."""
    return Period(instant_from_pb(period.start, "period.start"), instant_from_pb(period.end, "period.end"))


def period_to_pb(period: Period) -> period_pb2.Period:
    return period_pb2.Period(start=instant_to_pb(period.start), end=instant_to_pb(period.end))


def _scope_from_pb(item: rating_service_pb2.RateItem) -> Scope:
    """Raises InvalidTime, InvalidPeriod, Invalid."""
    period, tiers_from = period_from_pb(item.period), None
    if item.HasField("tiers_from_time"):
        tiers_from = instant_from_pb(item.tiers_from_time, "tiers_from_time")
        if tiers_from > period.start:
            raise InvalidPeriod("tiers_from_time: lies behind the start of the period")
    share = _share_from_pb(item.limits_share) if item.HasField("limits_share") else None
    return Scope(period, None if tiers_from == period.start else tiers_from, share)


def _share_from_pb(share: ratio_pb2.Ratio) -> Fraction:
    """Zero or more. Raises Invalid."""
    if _DIGITS.fullmatch(share.numerator) is None or _DIGITS.fullmatch(share.denominator) is None:
        raise Invalid("limits_share: numerator and denominator have at most 40 digits and no sign")
    if not int(share.denominator):
        raise Invalid("limits_share: the denominator is more than zero")
    return Fraction(int(share.numerator), int(share.denominator))


def _item_usage_to_pb(used: ItemUsage) -> usage_service_pb2.ItemUsage:
    return usage_service_pb2.ItemUsage(
        subscription_item_id=item_text(used.item.item_id),
        code=used.item.code,
        meter_code=used.meter.code,
        aggregation=AGGREGATIONS_TO_PB[used.meter.aggregation],
        quantity=format_decimal(used.usage.quantity),
        event_count=used.usage.event_count,
        amount=_money_to_pb(used.usage.amount),
        explanation=used.usage.explanation,
        window=period_to_pb(used.window),
    )


def _answer_to_pb(charge_id: str, answer: Answer) -> rating_service_pb2.RateAnswer:
    if isinstance(answer, Refusal):
        return rating_service_pb2.RateAnswer(charge_id=charge_id[:CHARGE_ID_SHOWN], error=refusal_to_pb(answer))
    return rating_service_pb2.RateAnswer(charge_id=charge_id, rating=_rating_to_pb(answer))


def _rating_to_pb(rating: Rating) -> rating_service_pb2.Rating:
    usage = rating.usage
    return rating_service_pb2.Rating(
        rating_id=str(rating.rating_id) if rating.rating_id else "",
        quantity=format_decimal(usage.quantity),
        event_count=usage.event_count,
        exact_amount=_exact_to_pb(usage.exact),
        amount=_money_to_pb(usage.amount),
        explanation=usage.explanation,
    )


def _exact_to_pb(exact: ExactAmount) -> money_pb2.ExactAmount:
    numerator, denominator = str(exact.value.numerator), str(exact.value.denominator)
    return money_pb2.ExactAmount(currency_code=exact.currency, numerator=numerator, denominator=denominator)


def _money_to_pb(money: Money) -> money_pb2.Money:
    return money_pb2.Money(currency_code=money.currency, amount_minor=money.minor)
