"""What all databases hold, seen by a superuser: how a test knows that a refused call had no effect."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import psycopg

from tests.e2e.mesh import SERVICES, Mesh

# Leases are renewed all the time. The relay moves rows from the outbox to its archive: counted together.
MOVING = ("lease",)
QUEUE = ("outbox", "outbox_archive")
TABLES = """
select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition order by 1
"""
SETTLE_S = 20.0
STILL_S = 1.2

Rows = Mapping[str, tuple[int, int]]
"""Number of rows and a hash of their contents, by "service.table"."""


@dataclass(slots=True)
class Ledger:
    """Open connections, and one statement for each database."""

    connections: dict[str, psycopg.AsyncConnection]
    statements: dict[str, str]

    @classmethod
    async def open(cls, mesh: Mesh) -> Ledger:
        ledger = cls({}, {})
        for service in SERVICES:
            dsn = mesh.superuser_dsn.rsplit("/", 1)[0] + f"/billing_{service}"
            connection = await psycopg.AsyncConnection.connect(dsn, autocommit=True)
            names = [row[0] for row in await (await connection.execute(TABLES)).fetchall()]
            ledger.connections[service] = connection
            ledger.statements[service] = " union all ".join(_counted(name) for name in names if name not in MOVING)
        return ledger

    async def rows(self) -> Rows:
        found = await asyncio.gather(*(self._of(service) for service in self.connections))
        return {name: value for each in found for name, value in each.items()}

    async def _of(self, service: str) -> Rows:
        cursor = await self.connections[service].execute(self.statements[service])
        found: dict[str, tuple[int, int]] = {}
        for name, count, content in await cursor.fetchall():
            shown = f"{service}.{'outbox' if name in QUEUE else name}"
            before = found.get(shown, (0, 0))
            found[shown] = (before[0] + count, 0 if name in QUEUE else int(content))
        return found

    async def settled(self) -> Rows:
        """The rows once nothing has moved for a moment: events have been consumed. Raises TimeoutError."""
        async with asyncio.timeout(SETTLE_S):
            before = await self.rows()
            while True:
                await asyncio.sleep(STILL_S)
                now = await self.rows()
                if now == before:
                    return now
                before = now

    async def close(self) -> None:
        for connection in self.connections.values():
            await connection.close()


def changes(before: Rows, after: Rows) -> dict[str, str]:
    """What differs, for people."""
    return {
        name: f"{before.get(name)} -> {after.get(name)}"
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    }


def _counted(table: str) -> str:
    content = "coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) % 1000000007"
    return f"select '{table}', count(*), {content} from {table} t"


@dataclass(slots=True)
class Unmoved:
    """The rows as they were, and the question whether they still are."""

    ledger: Ledger
    before: Rows

    async def check(self) -> None:
        """Raises AssertionError, once for each effect."""
        before, self.before = self.before, await self.ledger.rows()
        assert not (found := changes(before, self.before)), f"a refused call had an effect: {found}"
