"""Twins behind the TwinWriter port: one UPDATE a group; history, events and dues of all groups as bytes from forms."""

from collections.abc import Sequence

from billing_runtime.copy_format import Uuids
from billing_runtime.transaction import Transaction

from billing_subscriptions.domain.subscription import Subscription
from billing_subscriptions.domain.twins import Twins, charge_ids, due_ids
from billing_subscriptions.operations.twin_ports import TwinStep
from billing_subscriptions.storage.claims import read_each
from billing_subscriptions.storage.dues import PostgresDues
from billing_subscriptions.storage.history import copy_entries, entry_of, form_of
from billing_subscriptions.storage.subscription_rows import COLUMNS, Column, changes, changes_text
from billing_subscriptions.wire.twins import due_rows, told_rows


class PostgresTwins:
    def __init__(self, tx: Transaction, dues: PostgresDues) -> None:
        self._tx, self._dues = tx, dues

    async def each_of(self, twins: Twins) -> Sequence[Subscription]:
        read = await read_each(self._tx, twins.ids)
        return [read[each] for each in twins.ids]

    async def write(self, steps: Sequence[TwinStep]) -> None:
        if not steps:
            return
        entries: list[bytes] = []
        events: list[bytes] = []
        for each in steps:
            charges = charge_ids(each.step, each.twins)
            entries += await self._save(each, charges)
            events += told_rows(each.event, each.twins, self._tx.call)
            events += await self._open(each, charges)
        await copy_entries(self._tx, entries)
        await self._tx.publish_filled(events)

    async def _save(self, taught: TwinStep, charges: Sequence[Sequence[bytes]]) -> list[bytes]:
        """Writes the rows; the entries of the history."""
        before, twins = taught.twins.first, taught.twins
        changed = changes(before, taught.step.after)
        columns = tuple(column for column in COLUMNS if column.name in changed)
        values = [column.stored(taught.step.after) for column in columns]
        cursor = await self._tx.raw.execute(_update(columns), [*values, Uuids(twins.ids), before.version])
        assert cursor.rowcount == len(twins), "a subscription changed under its lock"
        form = form_of(entry_of(taught.step, changes_text(changed), self._tx.call, ""))
        return form.fill([twins.ids, twins.customer_ids, *charges])

    async def _open(self, taught: TwinStep, charges: Sequence[Sequence[bytes]]) -> list[bytes]:
        """Opens the dues; the events that publish them."""
        ids = due_ids(taught.step, taught.twins)
        payloads, events = due_rows(taught.due, taught.twins, ids, charges, self._tx.call)
        await self._dues.add_alike(taught.due, ids, taught.twins, payloads)
        return events


def _update(columns: Sequence[Column]) -> str:
    sets = ", ".join(f"{column.name} = %s" for column in columns)
    return f"UPDATE subscription SET {sets} WHERE subscription_id = ANY(%b) AND version = %s"
