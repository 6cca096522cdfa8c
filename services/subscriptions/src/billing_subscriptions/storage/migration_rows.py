"""Migrations and their results <-> rows."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from billing_kernel.money import Money

from billing_subscriptions.domain.migration import (
    Migration,
    MigrationState,
    NewMigration,
    Outcome,
    Result,
    Tally,
    Total,
)
from billing_subscriptions.domain.policy import ChangeWhen, Settlement
from billing_subscriptions.storage.life_json import proration_from_json, proration_to_json

Row = Mapping[str, Any]
Columns = dict[str, Any]


def migration_to_row(migration: Migration) -> Columns:
    wanted = migration.wanted
    return {
        **progress_to_row(migration),
        "migration_id": migration.id,
        "from_version_ids": list(wanted.from_version_ids),
        "plan_id": migration.plan_id,
        "to_version_id": wanted.to_version_id,
        "change_when": wanted.when.value if wanted.when else None,
        "proration": proration_to_json(wanted.proration),
        "settlement": wanted.settlement.value if wanted.settlement else None,
        "dry_run": wanted.dry_run,
        "reason": wanted.reason,
        "actor": migration.actor,
        "total": migration.total,
        "created_at": migration.created_at,
    }


def progress_to_row(migration: Migration) -> Columns:
    """What a batch changes."""
    tally = migration.tally
    return {
        "state": migration.state.value,
        "cursor": migration.cursor,
        "counts": {outcome.value: count for outcome, count in tally.counts.items()},
        "totals": {currency: [each.charges.minor, each.credits.minor] for currency, each in tally.totals.items()},
        "version": migration.version,
        "ended_at": migration.ended_at,
    }


def migration_from_row(row: Row) -> Migration:
    return Migration(
        id=row["migration_id"],
        wanted=_wanted(row),
        plan_id=row["plan_id"],
        actor=row["actor"],
        state=MigrationState(row["state"]),
        cursor=row["cursor"],
        total=row["total"],
        tally=_tally(row),
        version=row["version"],
        created_at=row["created_at"].astimezone(UTC),
        ended_at=_utc_or_none(row["ended_at"]),
    )


def _wanted(row: Row) -> NewMigration:
    return NewMigration(
        from_version_ids=tuple(row["from_version_ids"]),
        to_version_id=row["to_version_id"],
        when=ChangeWhen(row["change_when"]) if row["change_when"] else None,
        proration=proration_from_json(row["proration"]),
        settlement=Settlement(row["settlement"]) if row["settlement"] else None,
        dry_run=row["dry_run"],
        reason=row["reason"],
    )


def _tally(row: Row) -> Tally:
    counts = {Outcome(outcome): count for outcome, count in row["counts"].items()}
    return Tally(counts, {currency: _total(currency, *minor) for currency, minor in row["totals"].items()})


def result_from_row(row: Row) -> Result:
    return Result(
        subscription_id=row["subscription_id"],
        customer_id=row["customer_id"],
        outcome=Outcome(row["outcome"]),
        money=_total(row["currency"], row["charges_minor"], row["credits_minor"]),
        effective_at=_utc_or_none(row["effective_at"]),
        reason=row["reason"],
        message=row["message"],
    )


def _total(currency: str, charges_minor: int, credits_minor: int) -> Total:
    return Total(Money(currency, charges_minor), Money(currency, credits_minor))


def _utc_or_none(instant: datetime | None) -> datetime | None:
    return None if instant is None else instant.astimezone(UTC)
