"""How this room talks to PostgreSQL: Core statements through the transaction, names of constraints to refusals."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from billing_kernel.errors import DomainError
from billing_runtime.database_errors import UniqueViolated
from billing_runtime.transaction import Transaction
from psycopg import errors
from psycopg.rows import dict_row
from sqlalchemy import Executable

from billing_subscriptions.domain.errors import ExternalIdTaken, PlanCodeTaken

Rows = list[dict[str, Any]]

_TAKEN: Mapping[str, tuple[type[DomainError], str]] = {
    "customer_external_id": (ExternalIdTaken, "another customer has this external id"),
    "subscription_external_id": (ExternalIdTaken, "another subscription has this external id"),
    "plan_code": (PlanCodeTaken, "another plan has this code"),
}


@contextmanager
def names_taken() -> Iterator[None]:
    """Turns the violation of a name's unique constraint into its refusal."""
    try:
        yield
    except UniqueViolated as error:
        _refuse(error.constraint, error)
        raise
    except errors.UniqueViolation as error:
        _refuse(error.diag.constraint_name or "", error)
        raise


def _refuse(constraint: str, error: Exception) -> None:
    if constraint in _TAKEN:
        refusal, message = _TAKEN[constraint]
        raise refusal(message) from error


async def write(tx: Transaction, statement: Executable) -> None:
    """One Core statement that writes; a taken name is refused."""
    with names_taken():
        await tx.conn.execute(statement)


async def rows(tx: Transaction, query: str, *arguments: Any) -> Rows:
    """Rows of a hot query, below SQLAlchemy: a statement that psycopg prepares once it is frequent."""
    async with tx.raw.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query, arguments or None)
        return await cursor.fetchall()


async def row(tx: Transaction, query: str, *arguments: Any) -> dict[str, Any] | None:
    """The first row of `rows`."""
    found = await rows(tx, query, *arguments)
    return found[0] if found else None
