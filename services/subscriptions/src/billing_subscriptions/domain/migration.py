"""Bulk migrations: many subscriptions move to another plan version, each with a result of its own."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from billing_kernel.errors import Violation
from billing_kernel.ids import encode
from billing_kernel.money import Money
from billing_kernel.proration import Proration

from billing_subscriptions.domain.catalog_errors import PlanVersionArchived
from billing_subscriptions.domain.charges import Charge
from billing_subscriptions.domain.errors import PlanVersionNotPublished
from billing_subscriptions.domain.migration_errors import InvalidMigration, MigrationComplete, MigrationOverlaps
from billing_subscriptions.domain.plan import PlanVersion, PlanVersionState
from billing_subscriptions.domain.policy import ChangeWhen, Settlement


class MigrationState(StrEnum):
    RUNNING = "RUNNING"
    COMPLETE = "COMPLETE"
    CANCELED = "CANCELED"


class Outcome(StrEnum):
    """What became of one subscription."""

    MIGRATED = "MIGRATED"
    SCHEDULED = "SCHEDULED"  # moves with the end of its period
    SKIPPED = "SKIPPED"  # there was nothing to do
    REFUSED = "REFUSED"  # it stays as it was


@dataclass(frozen=True, slots=True)
class NewMigration:
    """What a caller asks for. None leaves a rule to each subscription's plan version."""

    from_version_ids: tuple[UUID, ...]
    to_version_id: UUID
    when: ChangeWhen | None = None
    proration: Proration | None = None
    settlement: Settlement | None = None
    dry_run: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Total:
    """Rounded charges, and credits, which are zero or negative, in one currency."""

    charges: Money
    credits: Money

    def __add__(self, other: "Total") -> "Total":
        """Raises CurrencyMismatch, AmountOverflow."""
        return Total(self.charges + other.charges, self.credits + other.credits)


@dataclass(frozen=True, slots=True)
class Result:
    """`reason` and `message` say why it was skipped or refused; `effective_at` when it moved or is going to."""

    subscription_id: UUID
    customer_id: UUID
    outcome: Outcome
    money: Total
    effective_at: datetime | None = None
    reason: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many results of each outcome, and their money by currency."""

    counts: Mapping[Outcome, int] = field(default_factory=dict)
    totals: Mapping[str, Total] = field(default_factory=dict)

    @property
    def processed(self) -> int:
        return sum(self.counts.values())

    def count(self, outcome: Outcome) -> int:
        return self.counts.get(outcome, 0)

    def add(self, result: Result) -> "Tally":
        """One result more. Raises AmountOverflow."""
        counts = {**self.counts, result.outcome: self.count(result.outcome) + 1}
        money = result.money
        if not money.charges.minor and not money.credits.minor:
            return Tally(counts, self.totals)
        before = self.totals.get(money.charges.currency)
        return Tally(counts, {**self.totals, money.charges.currency: before + money if before else money})


@dataclass(frozen=True, slots=True)
class Migration:
    """`cursor`: every subscription up to this id was decided; `total`: how many there were at its creation.

    `actor` asked for it: the changes are recorded as made by them. `plan_id` is the plan of the source versions.
    """

    id: UUID
    wanted: NewMigration
    plan_id: UUID
    actor: str
    state: MigrationState
    cursor: UUID | None
    total: int
    tally: Tally
    version: int
    created_at: datetime
    ended_at: datetime | None = None


def create(
    wanted: NewMigration,
    sources: Sequence[PlanVersion],
    target: PlanVersion,
    running: Iterable[Migration],
    *,
    migration_id: UUID,
    total: int,
    actor: str,
    now: datetime,
) -> Migration:
    """A migration that runs. `running`: those that run now.

    Raises InvalidMigration, PlanVersionNotPublished, PlanVersionArchived, MigrationOverlaps.
    """
    _check_sources(wanted, sources)
    _check_target(target)
    _check_overlap(wanted, running)
    plan_id = sources[0].plan_id
    return Migration(migration_id, wanted, plan_id, actor, MigrationState.RUNNING, None, total, Tally(), 1, now)


def proceed(before: Migration, tally: Tally, cursor: UUID | None, *, more: bool, now: datetime) -> Migration:
    """After a batch that went up to `cursor`; without `more` behind it the migration is complete."""
    assert before.state is MigrationState.RUNNING, "what has ended decides nothing"
    after = replace(before, tally=tally, cursor=cursor, version=before.version + 1)
    return after if more else replace(after, state=MigrationState.COMPLETE, ended_at=now)


def cancel(before: Migration, *, now: datetime) -> Migration:
    """Stopped; itself when it was already. Raises MigrationComplete."""
    if before.state is MigrationState.COMPLETE:
        raise MigrationComplete("the migration is complete: there is nothing left to stop")
    if before.state is MigrationState.CANCELED:
        return before
    return replace(before, state=MigrationState.CANCELED, ended_at=now, version=before.version + 1)


def money_of(made: Iterable[Charge], currency: str) -> Total:
    """What charges and credits come to; metered charges have no amount yet. Raises AmountOverflow."""
    amounts = [charge.rounded_minor for charge in made]
    charged = sum(amount for amount in amounts if amount > 0)
    return Total(Money(currency, charged), Money(currency, sum(amounts) - charged))


def nothing(currency: str) -> Total:
    """No charge and no credit."""
    return Total(Money.zero(currency), Money.zero(currency))


def _check_sources(wanted: NewMigration, sources: Sequence[PlanVersion]) -> None:
    if len({source.plan_id for source in sources}) > 1:
        _refuse("from_plan_version_ids", "are versions of several plans", "migration.plans")
    if set(wanted.from_version_ids) <= {wanted.to_version_id}:
        _refuse("from_plan_version_ids", "name no version but the target", "migration.target")
    if any(source.state is PlanVersionState.DRAFT for source in sources):
        raise PlanVersionNotPublished("nobody subscribes to a draft", violations=[_draft("from_plan_version_ids")])


def _check_target(target: PlanVersion) -> None:
    if target.state is PlanVersionState.DRAFT:
        raise PlanVersionNotPublished("nobody moves to a draft", violations=[_draft("to_plan_version_id")])
    if target.state is PlanVersionState.ARCHIVED:
        violation = Violation("to_plan_version_id", "is archived", "plan_version.archived")
        raise PlanVersionArchived("nobody moves to a version that is not sold any more", violations=[violation])


def _check_overlap(wanted: NewMigration, running: Iterable[Migration]) -> None:
    """A dry run changes nothing, so it stands in nobody's way and nobody in its."""
    if wanted.dry_run:
        return
    for other in running:
        theirs, ours = other.wanted, wanted
        shared = {*theirs.from_version_ids, theirs.to_version_id} & {*ours.from_version_ids}
        if shared or ours.to_version_id in theirs.from_version_ids:
            raise MigrationOverlaps(
                "another migration of these versions runs",
                facts={"migration_id": encode("mig", other.id)},
                violations=[Violation("from_plan_version_ids", "are being migrated", "migration.overlap")],
            )


def _refuse(name: str, text: str, rule: str) -> None:
    raise InvalidMigration(f"{name} {text}", violations=[Violation(name, text, rule)])


def _draft(name: str) -> Violation:
    return Violation(name, "names a draft", "plan_version.draft")
