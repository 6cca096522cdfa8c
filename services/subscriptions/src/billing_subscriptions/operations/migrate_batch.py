"""One bounded batch of a bulk migration: decisions, writes, results, totals and the cursor in one transaction."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from uuid import UUID

from billing_kernel.money import AmountOverflow, CurrencyMismatch
from billing_runtime.fault import failpoint

from billing_subscriptions.domain.charges import PriceBook
from billing_subscriptions.domain.migrating import Decision, decide, refused
from billing_subscriptions.domain.migration import Migration, NewMigration, Tally, proceed
from billing_subscriptions.domain.subscription import Change, Subscription
from billing_subscriptions.operations.life import paying
from billing_subscriptions.operations.migration_ports import BeginMigration, MigrationWork
from billing_subscriptions.operations.shelf import shelf_for
from billing_subscriptions.operations.write_steps import write_steps

BATCH_MAX = 500


async def migrate_batch(begin: BeginMigration, migration_id: UUID, size: int = BATCH_MAX) -> bool:
    """Whether it did anything. May be cut off anywhere and repeated: what is done twice is never written twice.

    False when the migration does not run, or another worker has it in hand.
    """
    async with begin() as uow:
        before = await uow.migrations.claim(migration_id)
        if before is None:
            return False
        taken = await uow.migrations.take(before, size)
        failpoint("subscriptions.migration_taken")
        decisions, tally = await _carry_out(uow, before, taken)
        failpoint("subscriptions.migration_moved")
        await uow.migrations.add_results(before.id, [each.result for each in decisions])
        cursor = taken[-1].id if taken else before.cursor
        after = proceed(before, tally, cursor, more=len(taken) == size, now=await uow.now())
        await uow.migrations.save(after)
        failpoint("subscriptions.migration_counted")
    failpoint("subscriptions.migration_committed")
    return True


async def _carry_out(
    uow: MigrationWork, migration: Migration, taken: Sequence[Subscription]
) -> tuple[list[Decision], Tally]:
    """Currency by currency: each sees the catalogue in its own. A dry run stops before the writes."""
    decisions: list[Decision] = []
    tally = migration.tally
    for _, group in groupby(sorted(taken, key=_currency), key=_currency):
        made, tally = await _one_currency(uow, migration.wanted, tuple(group), tally)
        decisions += made
    return decisions, tally


async def _one_currency(
    uow: MigrationWork, wanted: NewMigration, group: Sequence[Subscription], tally: Tally
) -> tuple[list[Decision], Tally]:
    now, target = await uow.now(), Change(plan_version_id=wanted.to_version_id)
    try:
        shelf = await shelf_for(uow.catalogue, group, [target])
    except CurrencyMismatch as refusal:  # of the target
        return _counted([refused(each, refusal) for each in group], group, tally)
    offers, prices = shelf.offers(group[0].currency), PriceBook()
    able = await paying(uow, group)
    found = [
        decide(each, wanted, offers, prices, now=now, has_payment_method=each.customer_id in able) for each in group
    ]
    decisions, tally = _counted(found, group, tally)
    if not wanted.dry_run:
        await write_steps(uow, [step for each in decisions for step in each.caught], shelf)
        await write_steps(uow, [step for each in decisions for step in each.steps], shelf, reason=wanted.reason)
    return decisions, tally


def _counted(found: Iterable[Decision], group: Sequence[Subscription], tally: Tally) -> tuple[list[Decision], Tally]:
    """The decisions with their tally; one whose money does not fit into the totals is refused."""
    decisions: list[Decision] = []
    for decision, subscription in zip(found, group, strict=True):
        try:
            tally = tally.add(decision.result)
        except AmountOverflow as refusal:
            decision = refused(subscription, refusal)
            tally = tally.add(decision.result)
        decisions.append(decision)
    return decisions, tally


def _currency(subscription: Subscription) -> str:
    return subscription.currency
