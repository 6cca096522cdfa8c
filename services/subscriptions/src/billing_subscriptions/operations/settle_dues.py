"""Closes dues that invoicing has settled."""

from collections.abc import Sequence

from billing_subscriptions.operations.ports import Settlement, UnitOfWork


async def settle_dues(uow: UnitOfWork, settlements: Sequence[Settlement]) -> None:
    """Closing a due twice, or one that is unknown, changes nothing: the first outcome stands."""
    await uow.dues.settle(settlements)
