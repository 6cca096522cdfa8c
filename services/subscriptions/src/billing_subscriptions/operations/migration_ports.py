"""What bulk migrations need of the world beside the other ports."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol
from uuid import UUID

from billing_subscriptions.domain.migration import Migration, MigrationState, Outcome, Result
from billing_subscriptions.domain.subscription import Subscription
from billing_subscriptions.operations.ports import UnitOfWork


class Migrations(Protocol):
    async def add(self, migration: Migration) -> None: ...

    async def lock(self, migration_id: UUID) -> Migration:
        """Raises MigrationNotFound."""

    async def claim(self, migration_id: UUID) -> Migration | None:
        """Locks it; None when it does not run, or another transaction works on it."""

    async def save(self, migration: Migration) -> None:
        """Also ends the waiting of one that was postponed."""

    async def running(self) -> Sequence[Migration]:
        """Those that run and write."""

    async def count(self, version_ids: Sequence[UUID]) -> int:
        """Subscriptions on the versions that have not ended."""

    async def take(self, migration: Migration, limit: int) -> Sequence[Subscription]:
        """The next subscriptions of the migration behind its cursor, by id; locked unless it is a dry run."""

    async def add_results(self, migration_id: UUID, results: Sequence[Result]) -> None:
        """A subscription has one result in a migration: a second one is a bug and fails the transaction."""


class MigrationWork(UnitOfWork, Protocol):
    @property
    def migrations(self) -> Migrations: ...


class MigrationReads(Protocol):
    """Plain reads without locks. Lists give at most `limit` rows behind the key `after`."""

    async def migration(self, migration_id: UUID) -> Migration:
        """Raises MigrationNotFound."""

    async def migrations(self, *, state: MigrationState | None, after: UUID | None, limit: int) -> Sequence[Migration]:
        """In order of creation."""

    async def results(
        self, migration_id: UUID, *, outcome: Outcome | None, after: UUID | None, limit: int
    ) -> Sequence[Result]:
        """In order of subscription ids. Raises MigrationNotFound."""


BeginMigration = Callable[[], AbstractAsyncContextManager[MigrationWork]]
ReadMigration = Callable[[], AbstractAsyncContextManager[MigrationReads]]
