"""Entries of the history -> the timeline that a support person reads."""

import json
from collections.abc import Mapping

from billing.subscriptions.v1 import subscriptions_service_pb2 as pb

from billing_subscriptions.domain.history import ChangeRecord, Value
from billing_subscriptions.domain.timeline import SILENT, summary
from billing_subscriptions.wire.history_fields import told
from billing_subscriptions.wire.times import time_to_pb


def record_to_pb(record: ChangeRecord, names: Mapping[str, str]) -> pb.SubscriptionChangeRecord:
    """`names`: what the plan versions in it are called, by their uuid."""
    fields = (told(column, *sides) for column, sides in record.changed.items() if column not in SILENT)
    return pb.SubscriptionChangeRecord(
        version=record.version,
        kind=record.kind,
        effective_time=time_to_pb(record.effective_at),
        record_time=time_to_pb(record.recorded_at),
        actor=record.actor,
        reason=record.reason,
        cause=record.cause,
        fields=[
            pb.FieldChange(field=name, before=_json(before), after=_json(after))
            for name, before, after in fields
            if before != after
        ],
        charge_ids=[str(each) for each in record.charge_ids],
        summary=summary(record, names),
    )


def _json(value: Value) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
