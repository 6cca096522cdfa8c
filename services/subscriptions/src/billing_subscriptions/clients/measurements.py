"""What was used, asked of the usage service at most a second ago."""

from collections.abc import Mapping, Sequence
from uuid import UUID, uuid4

import grpc
from billing.usage.v1 import measurement_service_pb2 as pb
from billing.usage.v1 import measurement_service_pb2_grpc as pb_grpc
from billing.usage.v1 import meter_pb2
from billing_kernel.decimals import parse_decimal
from billing_kernel.errors import DomainError, Kind
from billing_runtime.brief_cache import BriefCache
from billing_runtime.call import Call, Role, calling, current_call

from billing_subscriptions.domain.entitlement import Use
from billing_subscriptions.operations.check_entitlement import Wanted
from billing_subscriptions.wire.ids import subscription_text
from billing_subscriptions.wire.times import period_to_pb

TTL_S = 1.0
SUBSCRIPTIONS_MAX = 1000  # that one question names
_Key = tuple[UUID, tuple[UUID, ...], tuple[Wanted, ...]]


class UsageNotMeasured(DomainError):
    """The usage service does not know the meter or the subscriptions, or not yet; or there are too many of them."""

    kind = Kind.UNAVAILABLE
    reason = "USAGE_NOT_MEASURED"


class UsageMeasurements:
    """The port UsageMeasures. Each question ends within `deadline_s`."""

    def __init__(self, channel: grpc.aio.Channel, deadline_s: float) -> None:
        self._stub = pb_grpc.MeasurementServiceStub(channel)
        self._deadline_s = deadline_s
        self._cache: BriefCache[_Key, Mapping[Wanted, Use]] = BriefCache("usage", TTL_S)

    async def measure(self, subscription_ids: Sequence[UUID], wanted: Sequence[Wanted]) -> Mapping[Wanted, Use]:
        """Raises UsageNotMeasured and what the channel raises."""
        call = current_call()
        ids = tuple(sorted(subscription_ids))
        if len(ids) > SUBSCRIPTIONS_MAX:
            raise UsageNotMeasured(f"the customer has more than {SUBSCRIPTIONS_MAX} subscriptions")
        asked = Call(call.tenant_id, call.actor, Role.SERVICE, correlation_id=call.correlation_id or uuid4().hex)

        async def ask() -> Mapping[Wanted, Use]:
            with calling(asked):
                return await self._ask(ids, wanted)

        return await self._cache.get((call.tenant_id, ids, tuple(wanted)), ask)

    async def _ask(self, ids: Sequence[UUID], wanted: Sequence[Wanted]) -> Mapping[Wanted, Use]:
        texts = [subscription_text(each) for each in ids]
        measurements = [
            pb.Measurement(subscription_ids=texts, meter_code=meter, period=period_to_pb(span))
            for meter, span in wanted
        ]
        request = pb.BatchMeasureUsageRequest(measurements=measurements)
        response = await self._stub.BatchMeasureUsage(request, timeout=self._deadline_s)
        return {each: _use(answer) for each, answer in zip(wanted, response.answers, strict=True)}


def _use(answer: pb.MeasurementAnswer) -> Use:
    if answer.HasField("error"):
        raise UsageNotMeasured(answer.error.message, facts={"cause": answer.error.reason})
    adds_up = answer.usage.aggregation != meter_pb2.METER_AGGREGATION_MAX
    return Use(parse_decimal(answer.usage.quantity), adds_up)
