"""Usage events between protobuf and domain; the way in is a hot path."""

from collections.abc import Iterable, Sequence

from billing.common.v1 import item_error_pb2
from billing.usage.v1 import usage_event_pb2, usage_service_pb2
from billing_kernel.decimals import format_decimal

from billing_usage.domain.errors import Refusal
from billing_usage.domain.event import EXTERNAL, RawEvent
from billing_usage.domain.ingestion import CONFLICT, Ingested, Outcome, Result
from billing_usage.domain.stored_event import Statistics, StoredEvent
from billing_usage.wire.ids import instant_to_pb

_ACCEPTED = usage_event_pb2.EventResult(outcome=usage_event_pb2.EVENT_OUTCOME_ACCEPTED)
_DUPLICATE = usage_event_pb2.EventResult(outcome=usage_event_pb2.EVENT_OUTCOME_DUPLICATE)
_OUTCOMES = {Outcome.ACCEPTED: _ACCEPTED, Outcome.DUPLICATE: _DUPLICATE}
assert set(_OUTCOMES) == set(Outcome)


def raw_from_pb(event: usage_event_pb2.UsageEvent) -> RawEvent:
    """The event as plain values; nothing is checked yet."""
    time, field = event.time, event.WhichOneof("subject")
    return (
        event.id,
        event.source,
        event.meter_code,
        field or "",
        getattr(event, field) if field else "",
        time.seconds,
        time.nanos,
        event.value,
        event.properties or None,
    )


def raws_from_pb(events: Iterable[usage_event_pb2.UsageEvent]) -> list[RawEvent]:
    return [raw_from_pb(event) for event in events]


def ingest_response(ingested: Ingested) -> usage_service_pb2.IngestEventsResponse:
    return usage_service_pb2.IngestEventsResponse(
        results=_results(ingested.results),
        accepted=ingested.accepted,
        duplicates=ingested.duplicates,
        rejected=ingested.rejected,
    )


def ingest_cloud_events_response(ingested: Ingested) -> usage_service_pb2.IngestCloudEventsResponse:
    return usage_service_pb2.IngestCloudEventsResponse(
        results=_results(ingested.results),
        accepted=ingested.accepted,
        duplicates=ingested.duplicates,
        rejected=ingested.rejected,
    )


def refusal_to_pb(refusal: Refusal) -> item_error_pb2.ItemError:
    return item_error_pb2.ItemError(reason=refusal.reason, message=refusal.message, field=refusal.field)


def stored_event_to_pb(event: StoredEvent) -> usage_service_pb2.GetUsageEventResponse:
    made = usage_event_pb2.UsageEvent(
        id=event.event_id,
        source=event.source,
        meter_code=event.meter_code,
        time=instant_to_pb(event.at),
        value=format_decimal(event.value),
        properties=dict(event.properties),
    )
    _set_subject(made, event.subject)
    return usage_service_pb2.GetUsageEventResponse(event=made, ingest_time=instant_to_pb(event.ingested_at))


def statistics_to_pb(counts: Statistics) -> usage_service_pb2.GetUsageStatisticsResponse:
    return usage_service_pb2.GetUsageStatisticsResponse(
        accepted=counts.accepted, stored=counts.stored, duplicates=counts.duplicates, rated=counts.rated
    )


def _set_subject(event: usage_event_pb2.UsageEvent, subject: str) -> None:
    if subject.startswith(EXTERNAL):
        event.external_customer_id = subject.removeprefix(EXTERNAL)
    elif subject.startswith("sub_"):
        event.subscription_id = subject
    else:
        event.customer_id = subject


def _results(results: Sequence[Result]) -> list[usage_event_pb2.EventResult]:
    return [_refused(result) if isinstance(result, Refusal) else _OUTCOMES[result] for result in results]


def _refused(refusal: Refusal) -> usage_event_pb2.EventResult:
    conflict = refusal is CONFLICT
    outcome = usage_event_pb2.EVENT_OUTCOME_CONFLICT if conflict else usage_event_pb2.EVENT_OUTCOME_REJECTED
    return usage_event_pb2.EventResult(outcome=outcome, error=refusal_to_pb(refusal))
