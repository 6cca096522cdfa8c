"""The one place where errors of PostgreSQL become typed refusals.

DatabaseUnavailable   UNAVAILABLE     no connection, shutting down, pool or resources used up: repeat later
TransactionCollided   UNAVAILABLE     deadlock, serialization failure, lock time-out: repeat the whole transaction
UniqueViolated        ALREADY_EXISTS  a unique or exclusion constraint, named in `constraint`
ValueRefused          INVALID         a value that no column can hold (NUL in text, out of range)
Everything else is a bug and passes unchanged.
"""

from typing import Any, ClassVar

import psycopg
from billing_kernel.errors import AlreadyExists, DomainError, Invalid, Kind
from psycopg import errors
from sqlalchemy import Engine, event, exc
from sqlalchemy.engine import ExceptionContext

_COLLISIONS = (errors.DeadlockDetected, errors.SerializationFailure, errors.LockNotAvailable)
_VALUES = (
    errors.NumericValueOutOfRange,
    errors.StringDataRightTruncation,
    errors.CharacterNotInRepertoire,
    errors.DatetimeFieldOverflow,
)
_UNAVAILABLE = (psycopg.OperationalError, psycopg.InterfaceError, errors.ReadOnlySqlTransaction)


class DatabaseUnavailable(DomainError):
    kind: ClassVar[Kind] = Kind.UNAVAILABLE
    reason: ClassVar[str] = "DATABASE_UNAVAILABLE"


class TransactionCollided(DomainError):
    kind: ClassVar[Kind] = Kind.UNAVAILABLE
    reason: ClassVar[str] = "TRANSACTION_COLLIDED"


class ValueRefused(Invalid):
    reason: ClassVar[str] = "VALUE_REFUSED"


class UniqueViolated(AlreadyExists):
    """`constraint` is the name of the violated constraint: services turn it into their own refusal."""

    def __init__(self, constraint: str) -> None:
        super().__init__("a record with this identity already exists")
        self.constraint = constraint


def translate(error: BaseException) -> DomainError | None:
    """The refusal for an error of the driver, the pool or SQLAlchemy; None when it is a bug or already typed."""
    if isinstance(error, exc.TimeoutError):
        return DatabaseUnavailable("no database connection became free in time")
    if isinstance(error, exc.DBAPIError) and isinstance(error.orig, BaseException):
        return translate(error.orig)
    if isinstance(error, _COLLISIONS):
        return TransactionCollided("the transaction collided with another one")
    if isinstance(error, errors.UniqueViolation | errors.ExclusionViolation):
        return UniqueViolated(error.diag.constraint_name or "")
    if isinstance(error, _VALUES) or (isinstance(error, psycopg.DataError) and error.sqlstate is None):
        return ValueRefused("a value cannot be stored")
    if isinstance(error, _UNAVAILABLE):
        return DatabaseUnavailable("the database is not available")
    return None


def translate_statements(engine: Engine) -> None:
    """Makes every statement through SQLAlchemy raise the typed refusal where it happens."""

    def listener(context: ExceptionContext) -> Any:
        refusal = translate(context.original_exception)
        if refusal is not None:
            refusal.__cause__ = context.original_exception
        return refusal

    event.listen(engine, "handle_error", listener, retval=True)
