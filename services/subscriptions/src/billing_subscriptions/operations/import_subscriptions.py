"""Imports many items, each by itself: a refused one leaves the others alone."""

from collections.abc import Sequence
from dataclasses import replace

from billing_kernel.errors import TRANSIENT, DomainError

from billing_subscriptions.operations.import_subscription import (
    BeginImport,
    ImportDone,
    ImportOrder,
    NewCustomer,
    import_subscription,
)

CHUNK = 50  # items of one transaction, as long as none of them is refused

Answer = ImportDone | DomainError


class _NothingIsWritten(Exception):
    """Ends the transaction of a dry run."""


async def import_subscriptions(begin: BeginImport, orders: Sequence[ImportOrder], *, dry_run: bool) -> list[Answer]:
    """In request order. A dry run decides all in the same way and writes nothing.

    Raises what is transient: then the call is repeated, and what was imported is there already.
    """
    orders = _with_customers(orders) if dry_run else orders
    answers: list[Answer] = []
    for first in range(0, len(orders), CHUNK):
        chunk = orders[first : first + CHUNK]
        try:
            answers += await _together(begin, chunk, dry_run=dry_run)
        except DomainError as refused:
            _raise_transient(refused)
            answers += [await _alone(begin, order, dry_run=dry_run) for order in chunk]
    return answers


async def _together(begin: BeginImport, orders: Sequence[ImportOrder], *, dry_run: bool) -> list[Answer]:
    """All of them in one transaction. Raises the first refusal."""
    done: list[Answer] = []
    try:
        async with begin() as uow:
            for order in orders:
                done.append(await import_subscription(uow, order))
            if dry_run:
                raise _NothingIsWritten
    except _NothingIsWritten:
        pass
    return done


async def _alone(begin: BeginImport, order: ImportOrder, *, dry_run: bool) -> Answer:
    try:
        return (await _together(begin, [order], dry_run=dry_run))[0]
    except DomainError as refused:
        _raise_transient(refused)
        return refused


def _raise_transient(refused: DomainError) -> None:
    if refused.kind in TRANSIENT:
        raise refused


def _with_customers(orders: Sequence[ImportOrder]) -> list[ImportOrder]:
    """Each item with the customer that an earlier one brings: in a dry run it is not there when its turn comes."""
    brought: dict[str, NewCustomer] = {}
    found = []
    for order in orders:
        customer = order.customer or brought.get(order.external_customer_id)
        if customer is not None:
            brought.setdefault(order.external_customer_id, customer)
        found.append(replace(order, customer=customer))
    return found
