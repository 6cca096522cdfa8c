"""Payments and their attempts in SQL. The row of a payment is the lock of both; locks are taken in order of id."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from billing_runtime.database_errors import UniqueViolated
from billing_runtime.idempotency import IdempotencyKeyReused
from sqlalchemy import (
    ColumnElement,
    Float,
    Select,
    Text,
    bindparam,
    case,
    cast,
    exists,
    func,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as insert_or_skip
from sqlalchemy.ext.asyncio import AsyncConnection

from billing_payments.domain.attempt import Attempt
from billing_payments.domain.payment import Payment
from billing_payments.storage.mapping import (
    attempt_changes,
    attempt_from_row,
    attempt_to_row,
    payment_changes,
    payment_from_row,
    payment_to_row,
)
from billing_payments.storage.tables import payment, payment_attempt

# States are literals, so that the partial indexes on them are used under any plan.
SCHEDULED = payment.c.state == literal_column("'SCHEDULED'")
UNDER_WAY = payment.c.state.in_([literal_column("'PROCESSING'"), literal_column("'UNKNOWN'")])
ATTEMPT_UNDER_WAY = payment_attempt.c.state.in_([literal_column("'PROCESSING'"), literal_column("'UNKNOWN'")])

_HELD_UNTIL = func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, cast(bindparam("b_hold_s"), Float))
_CONFIRMED = (payment_attempt.c.state == "REQUIRES_ACTION") & (bindparam("b_state", type_=Text) == "UNKNOWN")
_IN_FLIGHT_SINCE = case((_CONFIRMED, func.clock_timestamp()), else_=payment_attempt.c.in_flight_since)
_PAYMENT_COLUMNS = (
    "amount_minor",
    "invoice_version",
    "state",
    "next_attempt_at",
    "cancel_requested",
    "version",
    "updated_at",
)
_ATTEMPT_COLUMNS = ("state", "gateway_reference", "decline_code", "confirmed_at", "asks")

_SAVE_PAYMENT = (
    update(payment)
    .where(payment.c.payment_id == bindparam("b_payment_id"))
    .values({name: bindparam(f"b_{name}") for name in _PAYMENT_COLUMNS})
)
_SAVE_ATTEMPT = (
    update(payment_attempt)
    .where(payment_attempt.c.attempt_id == bindparam("b_attempt_id"))
    .values({name: bindparam(f"b_{name}") for name in _ATTEMPT_COLUMNS})
    .values(held_until=func.coalesce(_HELD_UNTIL, payment_attempt.c.held_until))
    .values(in_flight_since=_IN_FLIGHT_SINCE)
)
_INSERT_ATTEMPT = insert(payment_attempt).values(held_until=_HELD_UNTIL)


def due_by(as_of: datetime) -> ColumnElement[bool]:
    """Scheduled at or before `as_of`."""
    return SCHEDULED & (payment.c.next_attempt_at <= as_of)


async def payments_of(conn: AsyncConnection, query: Select[Any]) -> Sequence[Payment]:
    """The payments that `query` (of whole rows) finds, in its order, with their attempts."""
    rows = (await conn.execute(query)).all()
    attempts = await _attempts_of(conn, [row.payment_id for row in rows])
    return [payment_from_row(row, attempts[row.payment_id]) for row in rows]


def due_query(as_of: datetime, limit: int, within: timedelta | None) -> Select[Any]:
    """Due payments, oldest first, those that somebody holds left out."""
    query = select(payment).where(due_by(as_of)).order_by(payment.c.next_attempt_at, payment.c.payment_id)
    if within is not None:
        first = select(func.min(payment.c.next_attempt_at)).where(due_by(as_of)).scalar_subquery()
        query = query.where(payment.c.next_attempt_at < first + within)
    return query.limit(limit).with_for_update(skip_locked=True)


def unclear_query(limit: int) -> Select[Any]:
    """Payments whose attempt was left without an outcome."""
    left = exists().where(
        payment_attempt.c.payment_id == payment.c.payment_id,
        payment_attempt.c.tenant_id == payment.c.tenant_id,
        ATTEMPT_UNDER_WAY,
        payment_attempt.c.held_until <= func.clock_timestamp(),
    )
    query = select(payment).where(UNDER_WAY, left).order_by(payment.c.payment_id)
    return query.limit(limit).with_for_update(skip_locked=True)


def locked(*conditions: ColumnElement[bool]) -> Select[Any]:
    """Payments under lock."""
    return select(payment).where(*conditions).order_by(payment.c.payment_id).with_for_update()


async def insert_payments(conn: AsyncConnection, payments: Sequence[Payment]) -> None:
    """One for each invoice; the first one stays."""
    if payments:
        query = insert_or_skip(payment).values([payment_to_row(each) for each in payments])
        await conn.execute(query.on_conflict_do_nothing(index_elements=["tenant_id", "invoice_id"]))


async def save_payments(conn: AsyncConnection, payments: Sequence[Payment]) -> None:
    """Rows of payments and of their latest attempts."""
    await _save_rows(conn, payments)
    changed = [_bound_attempt(each) for each in payments if each.attempts]
    if changed:
        await conn.execute(_SAVE_ATTEMPT, changed)


async def start_attempts(conn: AsyncConnection, payments: Sequence[Payment]) -> None:
    """Rows of payments, and new ones of their latest attempts. Raises IdempotencyKeyReused."""
    if not payments:
        return
    await _save_rows(conn, payments)
    rows = [{**attempt_to_row(each), "b_hold_s": each.last.hold_s} for each in payments]
    try:
        await conn.execute(_INSERT_ATTEMPT, rows)
    except UniqueViolated as violated:
        if violated.constraint != "payment_attempt_pkey":
            raise
        raise IdempotencyKeyReused("this idempotency key was used for another payment") from violated


async def _save_rows(conn: AsyncConnection, payments: Sequence[Payment]) -> None:
    if payments:
        rows = [_bound({"payment_id": each.id, **payment_changes(each)}) for each in payments]
        await conn.execute(_SAVE_PAYMENT, rows)


def _bound_attempt(each: Payment) -> dict[str, Any]:
    last = each.last
    return _bound({"attempt_id": last.id, "hold_s": last.hold_s, **attempt_changes(last)})


def _bound(row: Mapping[str, Any]) -> dict[str, Any]:
    """Bind parameters may not have the names of columns."""
    return {f"b_{name}": value for name, value in row.items()}


async def _attempts_of(conn: AsyncConnection, payment_ids: Collection[UUID]) -> Mapping[UUID, list[Attempt]]:
    found: dict[UUID, list[Attempt]] = defaultdict(list)
    if payment_ids:
        query = select(payment_attempt).where(payment_attempt.c.payment_id.in_(payment_ids))
        for row in await conn.execute(query.order_by(payment_attempt.c.payment_id, payment_attempt.c.number)):
            found[row.payment_id].append(attempt_from_row(row))
    return found
