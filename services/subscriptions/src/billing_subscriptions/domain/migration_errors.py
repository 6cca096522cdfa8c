"""Every refusal of bulk migrations.

INVALID          InvalidMigration
NOT_FOUND        MigrationNotFound
PRECONDITION     MigrationOverlaps, MigrationComplete
"""

from billing_kernel.errors import DomainError, Invalid, Kind, NotFound


class InvalidMigration(Invalid):
    """Source versions of several plans, or none that differs from the target."""

    reason = "INVALID_MIGRATION"


class MigrationNotFound(NotFound):
    reason = "MIGRATION_NOT_FOUND"


class MigrationOverlaps(DomainError):
    """Another migration that runs takes or brings subscriptions of a source version; the facts name it."""

    kind = Kind.PRECONDITION
    reason = "MIGRATION_OVERLAPS"


class MigrationComplete(DomainError):
    """There is nothing left to stop."""

    kind = Kind.PRECONDITION
    reason = "MIGRATION_COMPLETE"
