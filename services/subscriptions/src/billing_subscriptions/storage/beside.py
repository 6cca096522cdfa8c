"""What one read has brought along for the ones that follow it in the same transaction; each takes it once."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from billing_subscriptions.storage.statements import Rows


@dataclass(slots=True)
class Beside:
    """`customers` by id; `heads`: of which plan versions, with what was found."""

    customers: dict[UUID, Mapping[str, Any]] = field(default_factory=dict)
    heads: tuple[Set[UUID], Rows] | None = None

    def take_customers(self, customer_ids: Set[UUID]) -> list[Mapping[str, Any]] | None:
        """None where they are not all here."""
        found, self.customers = self.customers, {}
        return list(found.values()) if found.keys() == customer_ids else None

    def take_heads(self, version_ids: Set[UUID]) -> Rows | None:
        """None where others are here."""
        found, self.heads = self.heads, None
        return found[1] if found is not None and found[0] == version_ids else None
