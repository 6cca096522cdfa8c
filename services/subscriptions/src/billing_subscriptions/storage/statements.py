"""How this room talks to PostgreSQL: Core statements through the transaction, names of constraints to refusals."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from billing_kernel.errors import DomainError
from billing_runtime.database_errors import UniqueViolated
from billing_runtime.transaction import Transaction
from psycopg import errors
from psycopg.types.json import Jsonb
from sqlalchemy import Executable, Table
from sqlalchemy.dialects.postgresql import JSONB

from billing_subscriptions.domain.catalog_errors import (
    AddOnCodeTaken,
    CouponCodeTaken,
    FeatureCodeTaken,
    ProductCodeTaken,
)
from billing_subscriptions.domain.errors import ExternalIdTaken, PlanCodeTaken

Rows = list[dict[str, Any]]

_TAKEN: Mapping[str, tuple[type[DomainError], str]] = {
    "customer_external_id": (ExternalIdTaken, "another customer has this external id"),
    "subscription_external_id": (ExternalIdTaken, "another subscription has this external id"),
    "plan_code": (PlanCodeTaken, "another plan has this code"),
    "product_code": (ProductCodeTaken, "another product has this code"),
    "feature_code": (FeatureCodeTaken, "another feature has this code"),
    "add_on_code": (AddOnCodeTaken, "another add-on has this code"),
    "coupon_code": (CouponCodeTaken, "another coupon has this code"),
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


@dataclass(frozen=True, slots=True)
class Insert:
    """INSERT of one row below SQLAlchemy, which takes longer to build the statement than PostgreSQL to run it."""

    text: str
    names: tuple[str, ...]
    json_names: frozenset[str]

    @classmethod
    def into(cls, table: Table) -> "Insert":
        """Every column but the tenant, which the database fills in."""
        columns = [column for column in table.columns if column.name != "tenant_id"]
        names = tuple(column.name for column in columns)
        text = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({', '.join(['%s'] * len(names))})"
        return cls(text, names, frozenset(column.name for column in columns if isinstance(column.type, JSONB)))

    def values(self, row: Mapping[str, Any]) -> list[Any]:
        """The arguments, in order. `row` holds every column."""
        return [
            Jsonb(row[name]) if name in self.json_names and row[name] is not None else row[name] for name in self.names
        ]


async def insert_row(tx: Transaction, text: str, arguments: list[Any]) -> None:
    """Runs the text of one or more `Insert`s; a taken name is refused."""
    with names_taken():
        await tx.together((text, arguments))


async def write(tx: Transaction, statement: Executable) -> None:
    """One Core statement that writes; a taken name is refused."""
    await tx.send()
    with names_taken():
        await tx.conn.execute(statement)


async def rows(tx: Transaction, query: str, *arguments: Any) -> Rows:
    """Rows of a hot query, below SQLAlchemy: a statement that is prepared once a connection."""
    return (await tx.together((query, arguments)))[0]


async def row(tx: Transaction, query: str, *arguments: Any) -> dict[str, Any] | None:
    """The first row of `rows`."""
    found = await rows(tx, query, *arguments)
    return found[0] if found else None
