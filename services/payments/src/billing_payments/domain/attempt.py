"""Attempts: one try to collect a payment, and what the gateway said of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from billing_kernel.money import Money

ASK_AGAIN_S_MAX = 60.0
ASKS_FOR_SILENCE = 7  # a minute of questions: an order that timed out may reach the gateway later than the first ones


class AttemptState(StrEnum):
    PROCESSING = "PROCESSING"
    UNKNOWN = "UNKNOWN"
    REQUIRES_ACTION = "REQUIRES_ACTION"
    SUCCEEDED = "SUCCEEDED"
    SOFT_DECLINED = "SOFT_DECLINED"
    HARD_DECLINED = "HARD_DECLINED"


IN_FLIGHT = frozenset({AttemptState.PROCESSING, AttemptState.UNKNOWN})
DECLINED = frozenset({AttemptState.SOFT_DECLINED, AttemptState.HARD_DECLINED})
ANSWERS = frozenset(AttemptState) - IN_FLIGHT  # what a gateway can say

ATTEMPT_TRANSITIONS: Mapping[AttemptState, frozenset[AttemptState]] = {
    AttemptState.PROCESSING: ANSWERS | {AttemptState.UNKNOWN},
    AttemptState.UNKNOWN: ANSWERS | {AttemptState.UNKNOWN},
    AttemptState.REQUIRES_ACTION: frozenset({AttemptState.UNKNOWN}),
    AttemptState.SUCCEEDED: frozenset(),
    AttemptState.SOFT_DECLINED: frozenset(),
    AttemptState.HARD_DECLINED: frozenset(),
}
assert set(ATTEMPT_TRANSITIONS) == set(AttemptState)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A clear answer of a gateway. `reference` is the gateway's, `decline_code` such as insufficient_funds."""

    state: AttemptState
    reference: str = ""
    decline_code: str = ""

    def __post_init__(self) -> None:
        assert self.state in ANSWERS, self.state
        assert bool(self.decline_code) == (self.state in DECLINED), self


@dataclass(frozen=True, slots=True)
class Attempt:
    """`attempted_at` and `confirmed_at` are business time. `asks` counts the questions to the gateway about it.

    `amount` is what it asked for and never changes: the gateway knows the attempt by it.
    `hold_s`: for so many seconds of wall time from its saving nobody else may ask; None leaves that as it was saved.
    """

    id: UUID
    number: int
    amount: Money
    payment_method_id: UUID
    gateway: str
    state: AttemptState
    attempted_at: datetime
    confirmed_at: datetime | None = None
    reference: str = ""
    decline_code: str = ""
    asks: int = 0
    hold_s: float | None = None

    @property
    def effective_at(self) -> datetime:
        """When its outcome took effect."""
        return self.confirmed_at or self.attempted_at


@dataclass(frozen=True, slots=True)
class ChargeOrder:
    """What a gateway is asked to collect; the same `attempt_id` is never collected twice."""

    payment_id: UUID
    attempt_id: UUID
    amount: Money
    token: str


def ask_again_s(asks: int) -> float:
    """Seconds until an unclear attempt is asked about again: at once, then 1, 2, 4 ... at most 60."""
    return min(ASK_AGAIN_S_MAX, 2.0 ** min(asks - 1, 10)) if asks else 0.0
