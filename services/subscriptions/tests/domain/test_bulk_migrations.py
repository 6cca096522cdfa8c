"""Bulk migrations on paper: who may begin, what is counted, how they end."""

from dataclasses import replace

import pytest
from billing_kernel.errors import DomainError
from billing_kernel.ids import uuid7
from billing_kernel.money import AmountOverflow, Money
from billing_subscriptions.domain.migration import (
    MigrationState,
    NewMigration,
    Outcome,
    Result,
    Tally,
    Total,
    cancel,
    create,
    nothing,
    proceed,
)
from billing_subscriptions.domain.plan import PlanVersionState
from subscriptions_builders import plan, utc, version

NOW = utc("2026-03-01")
PLAN, OTHER = plan("pro"), plan("team")
OLD, NEW, NEWER = (version(of=PLAN) for _ in range(3))
ELSEWHERE = version(of=OTHER)
DRAFT = replace(version(of=PLAN), state=PlanVersionState.DRAFT, published_at=None)
ARCHIVED = replace(version(of=PLAN), state=PlanVersionState.ARCHIVED, archived_at=NOW)
EVERY = {each.id: each for each in (OLD, NEW, NEWER, ELSEWHERE, DRAFT, ARCHIVED)}


def wanted(*sources, to=NEW, **fields):
    return NewMigration(tuple(each.id for each in sources or (OLD,)), to.id, **fields)


def made(asked=None, running=()):
    asked = asked or wanted()
    sources = [EVERY[each] for each in asked.from_version_ids]
    target = EVERY[asked.to_version_id]
    return create(asked, sources, target, running, migration_id=uuid7(), total=3, actor="user:alice", now=NOW)


def result(outcome=Outcome.MIGRATED, charges=0, credits_=0, currency="EUR"):
    money = Total(Money(currency, charges), Money(currency, credits_))
    return Result(uuid7(), uuid7(), outcome, money, reason="" if outcome is Outcome.MIGRATED else "X")


def test_a_migration_begins_running_with_nothing_done():
    found = made()
    assert (found.state, found.cursor, found.tally, found.total) == (MigrationState.RUNNING, None, Tally(), 3)
    assert (found.plan_id, found.actor, found.version, found.ended_at) == (PLAN.id, "user:alice", 1, None)


@pytest.mark.parametrize(
    ("asked", "reason", "field"),
    [
        (wanted(OLD, ELSEWHERE), "INVALID_MIGRATION", "from_plan_version_ids"),
        (wanted(NEW), "INVALID_MIGRATION", "from_plan_version_ids"),
        (wanted(DRAFT), "PLAN_VERSION_NOT_PUBLISHED", "from_plan_version_ids"),
        (wanted(to=DRAFT), "PLAN_VERSION_NOT_PUBLISHED", "to_plan_version_id"),
        (wanted(to=ARCHIVED), "PLAN_VERSION_ARCHIVED", "to_plan_version_id"),
    ],
    ids=["two plans", "only the target", "from a draft", "to a draft", "to what is not sold"],
)
def test_what_makes_no_sense_is_refused_and_names_its_field(asked, reason, field):
    with pytest.raises(DomainError) as refused:
        made(asked)
    assert refused.value.reason == reason
    assert [each.field for each in refused.value.violations] == [field]


@pytest.mark.parametrize(
    "asked", [wanted(ARCHIVED), wanted(OLD, NEW), wanted(to=ELSEWHERE)], ids=["archived", "with the target", "plan"]
)
def test_subscriptions_leave_archived_versions_and_plans(asked):
    assert made(asked).state is MigrationState.RUNNING


@pytest.mark.parametrize(
    ("first", "second", "overlaps"),
    [
        (wanted(OLD), wanted(OLD, to=NEWER), True),
        (wanted(OLD, NEWER), wanted(NEWER, to=ELSEWHERE), True),
        (wanted(OLD), wanted(NEW, to=NEWER), True),  # brings what the second takes
        (wanted(NEW, to=NEWER), wanted(OLD), True),  # takes what the second brings
        (wanted(OLD), wanted(ARCHIVED), False),  # two ways to one target
        (wanted(OLD), wanted(NEWER, to=ELSEWHERE), False),
    ],
)
def test_two_migrations_of_the_same_versions_do_not_run_at_once(first, second, overlaps):
    running = made(first)
    if not overlaps:
        assert made(second, [running]).wanted == second
        return
    with pytest.raises(DomainError) as refused:
        made(second, [running])
    assert refused.value.reason == "MIGRATION_OVERLAPS"
    assert refused.value.facts["migration_id"].startswith("mig_")


def test_a_dry_run_stands_in_nobodys_way():
    assert made(wanted(OLD, dry_run=True), [made(wanted(OLD))]).wanted.dry_run


def test_results_are_counted_and_their_money_summed_by_currency():
    tally = Tally()
    for each in (
        result(charges=1200, credits_=-700),
        result(charges=300),
        result(credits_=-50, currency="JPY"),
        result(Outcome.SCHEDULED),
        result(Outcome.SKIPPED),
        result(Outcome.REFUSED),
        result(Outcome.REFUSED),
    ):
        tally = tally.add(each)
    assert tally.counts == {Outcome.MIGRATED: 3, Outcome.SCHEDULED: 1, Outcome.SKIPPED: 1, Outcome.REFUSED: 2}
    assert tally.processed == 7
    assert tally.totals == {
        "EUR": Total(Money("EUR", 1500), Money("EUR", -700)),
        "JPY": Total(Money("JPY", 0), Money("JPY", -50)),
    }


def test_nothing_adds_no_currency():
    assert Tally().add(replace(result(), money=nothing("EUR"))).totals == {}


def test_totals_never_wrap_around():
    full = Tally().add(result(charges=2**63 - 1))
    with pytest.raises(AmountOverflow):
        full.add(result(charges=1))


def test_batches_move_the_cursor_until_none_is_left():
    first, second, tally = uuid7(), uuid7(), Tally().add(result(charges=10))
    halfway = proceed(made(), tally, first, more=True, now=NOW)
    assert (halfway.state, halfway.cursor, halfway.tally, halfway.version) == (MigrationState.RUNNING, first, tally, 2)
    done = proceed(halfway, tally, second, more=False, now=NOW)
    assert (done.state, done.cursor, done.ended_at, done.version) == (MigrationState.COMPLETE, second, NOW, 3)


def test_what_is_stopped_stays_stopped():
    stopped = cancel(made(), now=NOW)
    assert (stopped.state, stopped.ended_at, stopped.version) == (MigrationState.CANCELED, NOW, 2)
    assert cancel(stopped, now=utc("2026-04-01")) is stopped


def test_what_is_complete_cannot_be_stopped():
    done = proceed(made(), Tally(), None, more=False, now=NOW)
    with pytest.raises(DomainError) as refused:
        cancel(done, now=NOW)
    assert refused.value.reason == "MIGRATION_COMPLETE"
