"""What the operations need of the world."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

from billing_tax.domain.events import TaxEvent
from billing_tax.domain.exemption import Exemption
from billing_tax.domain.registration import Registration

Answer = TypeVar("Answer", bound=Any)


class UnitOfWork(Protocol):
    """One transaction of one tenant. What was read with a lock stays as it is until the end."""

    async def now(self) -> datetime:
        """Business time, aware."""

    async def overlapping_registration(self, registration: Registration) -> UUID | None:
        """Another registration of the seller with the same place and scheme that shares an instant with it."""

    async def insert_registration(self, registration: Registration) -> None:
        """Raises RegistrationOverlaps when another transaction was faster."""

    async def lock_registration(self, registration_id: UUID) -> Registration:
        """Raises RegistrationNotFound."""

    async def save_registration(self, registration: Registration) -> None: ...

    async def insert_exemption(self, exemption: Exemption) -> None: ...

    async def lock_exemption(self, exemption_id: UUID) -> Exemption:
        """Raises ExemptionNotFound."""

    async def save_exemption(self, exemption: Exemption) -> None: ...

    async def publish(self, event: TaxEvent) -> None:
        """Commits with the change."""

    async def answer(self, response: Answer) -> Answer:
        """Keeps the answer for a repeated request, with the commit; returns it."""


class Reads(Protocol):
    """Plain reads of one tenant, without locks."""

    async def now(self) -> datetime:
        """Business time, aware."""

    async def registrations_of(self, seller_ids: Sequence[UUID]) -> Mapping[UUID, tuple[Registration, ...]]: ...

    async def exemptions_of(self, customer_ids: Sequence[UUID]) -> Mapping[UUID, tuple[Exemption, ...]]: ...

    async def get_registration(self, registration_id: UUID) -> Registration:
        """Raises RegistrationNotFound."""

    async def list_registrations(self, *, seller_id: UUID | None, after: UUID | None, limit: int) -> list[Registration]:
        """In order of creation, behind `after`."""

    async def list_exemptions(self, *, customer_id: UUID | None, after: UUID | None, limit: int) -> list[Exemption]:
        """In order of creation, behind `after`."""


Begin = Callable[[], AbstractAsyncContextManager[UnitOfWork]]
Read = Callable[[], AbstractAsyncContextManager[Reads]]
