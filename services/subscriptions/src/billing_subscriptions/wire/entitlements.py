"""Entitlements <-> their messages."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache
from uuid import UUID

from billing.subscriptions.v1 import entitlements_service_pb2 as pb
from billing_kernel.decimals import format_decimal, parse_decimal

from billing_subscriptions.domain.entitlement import Limits, Listed, Reason, Verdict
from billing_subscriptions.wire.enums import EnumTable
from billing_subscriptions.wire.ids import customer_text, subscription_text
from billing_subscriptions.wire.times import time_to_pb

# Asked again and again for the same few.
_customer_text: Callable[[UUID], str] = lru_cache(10_000)(customer_text)
_subscription_text: Callable[[UUID], str] = lru_cache(10_000)(subscription_text)
REASONS = EnumTable(pb.EntitlementReason, Reason, "ENTITLEMENT_REASON_")


def amount_from_pb(request: pb.CheckEntitlementRequest) -> Fraction | None:
    """None where only something must be left."""
    return parse_decimal(request.amount) if request.amount else None


def verdict_to_pb(verdict: Verdict, customer_id: UUID) -> pb.CheckEntitlementResponse:
    message = pb.CheckEntitlementResponse(
        allowed=verdict.allowed,
        reason=REASONS.to_pb(verdict.reason),
        value=verdict.value,
        subscription_id=_subscription_text(verdict.subscription_id) if verdict.subscription_id else "",
        customer_id=_customer_text(customer_id),
    )
    if verdict.limit is not None:
        message.limit = format_decimal(verdict.limit)
        message.used = format_decimal(verdict.used or Fraction(0))
        message.remaining = format_decimal(verdict.remaining or Fraction(0))
    if verdict.reset_at is not None:
        message.reset_time.CopyFrom(time_to_pb(verdict.reset_at))
    return message


def listed_to_pb(customer_id: UUID, listed: Listed) -> pb.CustomerEntitlement:
    message = pb.CustomerEntitlement(
        customer_id=customer_text(customer_id),
        feature_code=listed.feature_code,
        value=listed.verdict.value,
        subscription_ids=_texts(listed.subscription_ids),
    )
    if listed.limits is not None:
        _add_limits(message, listed.limits)
    return message


def _add_limits(message: pb.CustomerEntitlement, limits: Limits) -> None:
    message.limit = format_decimal(limits.limit)
    message.meter_code = limits.first.grant.meter_code
    message.soft = limits.soft
    if limits.reset_at is not None:
        message.reset_time.CopyFrom(time_to_pb(limits.reset_at))


def _texts(ids: Sequence[UUID]) -> list[str]:
    return [subscription_text(each) for each in ids]
