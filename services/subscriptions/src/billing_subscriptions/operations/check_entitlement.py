"""Whether a customer may use a feature now. Made to be asked on every request of somebody's product."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Protocol
from uuid import UUID

from billing_kernel.errors import DomainError
from billing_kernel.period import Period

from billing_subscriptions.domain.entitlement import CustomerGrants, Use, Verdict, decide, judge
from billing_subscriptions.domain.errors import EntitlementUsageUnavailable

Wanted = tuple[str, Period]  # meter and span


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom an answer is for: a customer, and perhaps one of its subscriptions alone."""

    customer_id: UUID
    subscription_id: UUID | None = None


class Grants(Protocol):
    """Committed state of at most a second ago, of the tenant of the call."""

    async def now(self) -> datetime:
        """Business time."""

    async def grants(self, customer_id: UUID) -> CustomerGrants:
        """Raises CustomerNotFound, also where the caller is another customer."""


class UsageMeasures(Protocol):
    """The usage service, asked at most a second ago."""

    async def measure(self, subscription_ids: Sequence[UUID], wanted: Sequence[Wanted]) -> Mapping[Wanted, Use]:
        """What was used of each. Raises what the service refuses."""


async def check_entitlement(
    grants: Grants, usage: UsageMeasures, subject: Subject, feature: str, amount: Fraction | None
) -> Verdict:
    """Raises CustomerNotFound, and EntitlementUsageUnavailable: a limit that cannot be held permits nothing."""
    of = await grants.grants(subject.customer_id)
    found = decide(of, feature, await grants.now(), subject.subscription_id)
    if isinstance(found, Verdict):
        return found
    mine = [each.subscription_id for each in of.subscriptions]
    try:
        uses = await usage.measure([subject.subscription_id] if subject.subscription_id else mine, found.wanted)
    except DomainError as refused:
        raise EntitlementUsageUnavailable(
            "the usage that the limit is held against is not known", facts={"cause": refused.reason}
        ) from refused
    return judge(found, uses, amount)
