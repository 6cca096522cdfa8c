"""Requests about the life of subscriptions -> what the operations take."""

from datetime import datetime
from typing import Any

from billing.subscriptions.v1 import policy_pb2
from billing.subscriptions.v1 import subscriptions_service_pb2 as pb
from billing_kernel.errors import Violation
from billing_kernel.proration import Proration

from billing_subscriptions.domain.cancel import CancelAt, CancelOrder
from billing_subscriptions.domain.change import ChangeOrder
from billing_subscriptions.domain.change_matrix import Wishes
from billing_subscriptions.domain.errors import InvalidChange
from billing_subscriptions.domain.pause import PauseOrder
from billing_subscriptions.domain.policy import ChangeWhen
from billing_subscriptions.domain.schedule import Phase
from billing_subscriptions.domain.start import Order
from billing_subscriptions.domain.subscription import Backdating
from billing_subscriptions.operations.create_subscription import Sold
from billing_subscriptions.wire.changes import add_ons_from_pb, change_from_pb, overrides_from_pb, quantities_from_pb
from billing_subscriptions.wire.enums import EnumTable
from billing_subscriptions.wire.ids import version_uuid
from billing_subscriptions.wire.policies import (
    alignment_from_pb,
    optional_settlement,
    optional_when,
    proration_from_pb,
)
from billing_subscriptions.wire.subscriptions import PAUSE_BILLINGS
from billing_subscriptions.wire.times import time_from_pb

BACKDATINGS = EnumTable(pb.Backdating, Backdating, "BACKDATING_")
CANCEL_AT = EnumTable(pb.CancelAt, CancelAt, "CANCEL_AT_")


def sold_from_pb(request: pb.CreateSubscriptionRequest) -> Sold:
    """Raises InvalidChange unless exactly one of plan_version_id and plan_code is given."""
    if bool(request.plan_version_id) == bool(request.plan_code):
        text = "either plan_version_id or plan_code names what is sold"
        raise InvalidChange(text, violations=[Violation("plan_version_id", text, "plan.either")])
    version_id = version_uuid(request.plan_version_id) if request.plan_version_id else None
    return Sold(version_id, request.plan_code, request.currency_code)


def order_from_pb(request: pb.CreateSubscriptionRequest) -> Order:
    """Raises InvalidQuantity, InvalidChange, InvalidPrice."""
    return Order(
        external_id=request.external_id,
        start_at=time_from_pb(request.start_time) if request.HasField("start_time") else None,
        quantities=quantities_from_pb(request.quantities),
        trial_days=request.trial_days if request.HasField("trial_days") else None,
        metadata=dict(request.metadata),
        alignment=alignment_from_pb(request.alignment) if request.HasField("alignment") else None,
        add_ons=add_ons_from_pb(request.add_ons),
        overrides=overrides_from_pb(request.price_overrides),
        backdating=BACKDATINGS.from_pb(request.backdating) if request.backdating else Backdating.CHARGE,
        payment_gated=request.payment_gated,
        ends_at=time_from_pb(request.end_time) if request.HasField("end_time") else None,
    )


def change_order_from_pb(request: pb.ChangeSubscriptionRequest | pb.PreviewChangeRequest) -> ChangeOrder:
    """Raises InvalidQuantity, InvalidChange, InvalidPrice, InvalidProration."""
    return ChangeOrder(change_from_pb(request.change), wishes_from_pb(request), effective_at_from_pb(request))


def wishes_from_pb(
    request: pb.ChangeSubscriptionRequest | pb.PreviewChangeRequest | pb.ChangeSubscriptionQuantityRequest,
) -> Wishes:
    """Raises InvalidProration."""
    return Wishes(optional_when(request.when), _proration(request), optional_settlement(request.settlement))


def cancel_order_from_pb(request: pb.CancelSubscriptionRequest | pb.PreviewCancelationRequest) -> CancelOrder:
    """Raises InvalidProration."""
    return CancelOrder(
        CANCEL_AT.from_pb(request.cancel_at),
        effective_at_from_pb(request),
        request.credit,
        _proration(request),
        optional_settlement(request.settlement),
    )


def pause_order_from_pb(request: pb.PauseSubscriptionRequest) -> PauseOrder:
    """Raises InvalidProration."""
    return PauseOrder(
        PAUSE_BILLINGS.from_pb(request.billing),
        optional_when(request.when) or ChangeWhen.NOW,
        effective_at_from_pb(request),
        time_from_pb(request.resume_time) if request.HasField("resume_time") else None,
        _proration(request),
        optional_settlement(request.settlement),
    )


def phase_from_pb(given: pb.SubscriptionPhase, index: int) -> Phase:
    """Raises InvalidQuantity, InvalidChange, InvalidPrice, InvalidProration."""
    wishes = Wishes(None, _proration(given), optional_settlement(given.settlement))
    change = change_from_pb(given.change, f"phases[{index}].change")
    return Phase(given.code, time_from_pb(given.start_time), change, wishes)


def effective_at_from_pb(request: Any) -> datetime | None:
    """The instant of ON_DATE; None where it is not set."""
    return time_from_pb(request.effective_time) if request.HasField("effective_time") else None


def _proration(request: Any) -> Proration | None:
    given: policy_pb2.Proration = request.proration
    return proration_from_pb(given) if request.HasField("proration") else None
