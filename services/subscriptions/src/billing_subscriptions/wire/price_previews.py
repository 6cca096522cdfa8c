"""Prices by id, and questions of what a price makes of a usage, <-> their messages."""

from datetime import UTC
from fractions import Fraction

from billing.common.v1 import money_pb2, ratio_pb2
from billing.subscriptions.v1 import price_pb2
from billing.subscriptions.v1 import prices_service_pb2 as pb
from billing_kernel.decimals import format_decimal, parse_decimal
from billing_kernel.errors import DomainError, Violation
from billing_kernel.money import ExactAmount
from billing_kernel.period import Period
from billing_kernel.rounding import Rounding
from billing_pricing import InvalidUsage, RatedPrice

from billing_subscriptions.domain.price import Question, SoldPrice, UsedEvent
from billing_subscriptions.wire.charges import exact_to_pb
from billing_subscriptions.wire.ids import add_on_version_text, price_text, version_text
from billing_subscriptions.wire.plan_items import KINDS, TAX_BEHAVIORS
from billing_subscriptions.wire.prices import price_to_pb
from billing_subscriptions.wire.times import time_from_pb

FREE_UNITS = "free units"  # the one component that is no money


def price_from_sold(sold: SoldPrice) -> price_pb2.Price:
    item = sold.item
    return price_pb2.Price(
        price_id=price_text(sold.id),
        currency_code=sold.currency,
        price=price_to_pb(sold.price),
        item_code=item.code,
        item_name=item.name,
        kind=KINDS.to_pb(item.kind),
        tax_category=item.tax_category,
        tax_behavior=TAX_BEHAVIORS.to_pb(item.tax_behavior),
        plan_version_id=version_text(sold.plan_version_id) if sold.plan_version_id else "",
        add_on_version_id=add_on_version_text(sold.add_on_version_id) if sold.add_on_version_id else "",
    )


def question_from_pb(request: pb.PreviewPriceRequest) -> Question:
    """Raises InvalidUsage that names the field, InvalidPeriod."""
    usage, billed = request.WhichOneof("usage"), request.WhichOneof("billed")
    given = request.period
    return Question(
        usage=_events(request.events, "events") if usage == "events" else _decimal(request.quantity or "0", "quantity"),
        billed=_events(request.billed_events, "billed_events")
        if billed == "billed_events"
        else _decimal(request.billed_quantity, "billed_quantity")
        if billed
        else None,
        period=Period(time_from_pb(given.start), time_from_pb(given.end)) if request.HasField("period") else None,
        share=_ratio(request.share) if request.HasField("share") else None,
        limits_share=_ratio(request.limits_share) if request.HasField("limits_share") else None,
        at=time_from_pb(request.at_time) if request.HasField("at_time") else None,
        final=not request.interim,
    )


def _events(given: pb.UsageEvents, path: str) -> tuple[UsedEvent, ...]:
    return tuple(_event(each, f"{path}.events[{index}]") for index, each in enumerate(given.events))


def _event(given: pb.PricedEvent, path: str) -> UsedEvent:
    return UsedEvent(
        value=_decimal(given.value, f"{path}.value"),
        at=time_from_pb(given.time).astimezone(UTC) if given.HasField("time") else None,
        dimensions=dict(given.dimensions),
        weight=_weight(given.weight, f"{path}.weight") if given.weight else None,
    )


def _weight(text: str, path: str) -> Fraction:
    numerator, slash, denominator = text.partition("/")
    return Fraction(int(numerator), int(denominator)) if slash else _decimal(text, path)


def _decimal(text: str, path: str) -> Fraction:
    try:
        return parse_decimal(text)
    except DomainError as error:
        violation = Violation(path, error.message, error.reason)
        raise InvalidUsage(f"{path}: {error.message}", violations=[violation]) from error


def _ratio(given: ratio_pb2.Ratio) -> Fraction:
    return Fraction(int(given.numerator), int(given.denominator))


def answer_to_pb(rated: RatedPrice, references: dict[str, str]) -> pb.PreviewPriceResponse:
    explanation, currency = rated.explanation(references), rated.currency
    free = sum((each.exact for each in rated.components if each.name == FREE_UNITS), Fraction(0))
    return pb.PreviewPriceResponse(
        exact_amount=exact_to_pb(rated.exact),
        amount=money_pb2.Money(currency_code=currency, amount_minor=rated.rounded.minor),
        quantity=format_decimal(rated.quantity, rounding=Rounding.HALF_EVEN),
        components=[
            pb.PriceComponent(name=each.name, exact_amount=exact_to_pb(ExactAmount(currency, each.exact)))
            for each in rated.components
            if each.name != FREE_UNITS
        ],
        explanation=explanation.to_json(),
        text=explanation.to_text(),
        sentence=explanation.sentence(),
        free_units=format_decimal(abs(free), rounding=Rounding.HALF_EVEN) if free else "",
    )
