"""Bulk migrations and their results <-> messages."""

from functools import partial
from uuid import UUID

from billing.subscriptions.v1 import migration_pb2 as pb
from billing.subscriptions.v1 import migrations_service_pb2 as service_pb
from billing.subscriptions.v1 import policy_pb2
from billing_kernel.ids import decode, encode

from billing_subscriptions.domain.etag import etag_of
from billing_subscriptions.domain.migration import Migration, MigrationState, NewMigration, Outcome, Result, Total
from billing_subscriptions.wire.charges import money_to_pb
from billing_subscriptions.wire.enums import EnumTable
from billing_subscriptions.wire.ids import customer_text, subscription_text, version_text, version_uuid
from billing_subscriptions.wire.policies import (
    CHANGE_WHENS,
    SETTLEMENTS,
    optional_settlement,
    optional_when,
    proration_from_pb,
    proration_to_pb,
)
from billing_subscriptions.wire.times import optional_time, time_to_pb

STATES = EnumTable(pb.MigrationState, MigrationState, "MIGRATION_STATE_")
OUTCOMES = EnumTable(pb.MigrationOutcome, Outcome, "MIGRATION_OUTCOME_")

migration_text = partial(encode, "mig")
migration_uuid = partial(decode, "mig")


def new_migration_from_pb(request: service_pb.CreateMigrationRequest) -> NewMigration:
    """Raises InvalidProration."""
    return NewMigration(
        from_version_ids=tuple(version_uuid(each) for each in request.from_plan_version_ids),
        to_version_id=version_uuid(request.to_plan_version_id),
        when=optional_when(request.when),
        proration=proration_from_pb(request.proration) if request.HasField("proration") else None,
        settlement=optional_settlement(request.settlement),
        dry_run=request.dry_run,
        reason=request.reason,
    )


def migration_to_pb(migration: Migration) -> pb.Migration:
    wanted, tally = migration.wanted, migration.tally
    return pb.Migration(
        migration_id=migration_text(migration.id),
        from_plan_version_ids=[version_text(each) for each in wanted.from_version_ids],
        to_plan_version_id=version_text(wanted.to_version_id),
        when=CHANGE_WHENS.to_pb(wanted.when) if wanted.when else policy_pb2.CHANGE_WHEN_UNSPECIFIED,
        proration=proration_to_pb(wanted.proration) if wanted.proration else None,
        settlement=SETTLEMENTS.to_pb(wanted.settlement) if wanted.settlement else policy_pb2.SETTLEMENT_UNSPECIFIED,
        dry_run=wanted.dry_run,
        reason=wanted.reason,
        state=STATES.to_pb(migration.state),
        total=migration.total,
        processed=tally.processed,
        migrated=tally.count(Outcome.MIGRATED),
        scheduled=tally.count(Outcome.SCHEDULED),
        skipped=tally.count(Outcome.SKIPPED),
        refused=tally.count(Outcome.REFUSED),
        totals=[_total_to_pb(tally.totals[currency]) for currency in sorted(tally.totals)],
        create_time=time_to_pb(migration.created_at),
        end_time=optional_time(migration.ended_at),
        etag=etag_of(migration.version),
    )


def result_to_pb(migration_id: UUID, result: Result) -> pb.MigrationResult:
    return pb.MigrationResult(
        migration_id=migration_text(migration_id),
        subscription_id=subscription_text(result.subscription_id),
        customer_id=customer_text(result.customer_id),
        outcome=OUTCOMES.to_pb(result.outcome),
        reason=result.reason,
        message=result.message,
        charges=money_to_pb(result.money.charges),
        credits=money_to_pb(result.money.credits),
        effective_time=optional_time(result.effective_at),
    )


def _total_to_pb(total: Total) -> pb.MigrationTotal:
    return pb.MigrationTotal(charges=money_to_pb(total.charges), credits=money_to_pb(total.credits))
