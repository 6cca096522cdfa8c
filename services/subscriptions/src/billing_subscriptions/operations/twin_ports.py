"""What the operations need of storage for subscriptions that are alike, and are written together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from billing_subscriptions.domain.events import BillingDue, SubscriptionEvent
from billing_subscriptions.domain.step import Step
from billing_subscriptions.domain.subscription import Subscription
from billing_subscriptions.domain.twins import Twins


@dataclass(frozen=True, slots=True)
class Claimed:
    """What is due and locked, each subscription once: `twins` in groups, the others `alone`, oldest due first."""

    alone: Sequence[Subscription]
    twins: Sequence[Twins] = ()

    def __len__(self) -> int:
        return len(self.alone) + sum(map(len, self.twins))


@dataclass(frozen=True, slots=True)
class TwinStep:
    """The step of the first twin, which teaches all, with what it tells and what falls due."""

    twins: Twins
    step: Step
    event: SubscriptionEvent
    due: BillingDue


class TwinWriter(Protocol):
    async def write(self, steps: Sequence[TwinStep]) -> None:
        """For each twin what the step of the first would write for it: row, history, event, and an open due."""

    async def each_of(self, twins: Twins) -> Sequence[Subscription]:
        """The claimed subscriptions one by one."""
