"""What the operations need of other services and of the blob store."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from billing_invoicing.domain.due import Charge, Due, Rating, Refusal, TaxedLine
from billing_invoicing.domain.seller import Party, Seller
from billing_invoicing.operations.ports import PartyVersion


class Ratings(Protocol):
    """Usage: metered charges in, ratings out."""

    async def rate(self, asked: Sequence[tuple[Due, Charge]], *, final: bool) -> Mapping[UUID, Rating | Refusal]:
        """By charge id. A final rating is frozen: asked again it is the same. Raises transient refusals."""


class Taxes(Protocol):
    """Tax: priced charges in, taxes out."""

    async def tax(self, asked: Sequence[tuple[Due, Seller]]) -> Mapping[UUID, Sequence[TaxedLine] | Refusal]:
        """By due id, a line for each charge in its order. Raises transient refusals."""


class PartyBook(Protocol):
    """Subscriptions: parties by version."""

    async def fetch(self, wanted: Sequence[PartyVersion]) -> Mapping[PartyVersion, Party | Refusal]: ...


class Renewals(Protocol):
    """Subscriptions: what falls due."""

    async def run(self, run_id: UUID, as_of: datetime, limit: int) -> tuple[int, bool]:
        """(dues published in this run so far, whether more is due)."""

    async def preview(self, subscription_id: UUID) -> Due | None:
        """What the end of the current period would bill. Raises the other side's SUBSCRIPTION_NOT_FOUND."""

    async def customer_of(self, subscription_id: UUID) -> UUID:
        """The same refusal."""


class Clocks(Protocol):
    """The business clocks of all services."""

    async def set(self, now: datetime, *, create: bool = False) -> None:
        """In every service. Raises TENANT_NOT_EMPTY, CLOCK_MOVES_BACKWARDS."""

    async def next_dues(self) -> Sequence[datetime | None]:
        """When something falls due next, in each service that lives by the clock."""

    async def pending(self) -> int:
        """Events of the tenant that still wait in any outbox."""


class PaymentRetries(Protocol):
    """Payments: attempts that fell due."""

    async def run(self, as_of: datetime, limit: int) -> tuple[int, bool, int]:
        """(attempts made, whether more are due, payments in a middle state)."""


class Blobs(Protocol):
    """Documents by key. What is there once never changes."""

    async def get(self, key: str) -> bytes | None: ...

    async def put(self, key: str, content: bytes) -> None:
        """Keeps the first content of a key."""
