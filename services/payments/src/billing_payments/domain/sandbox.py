"""What the sandbox gateway does with its tokens. It moves no money.

tok_succeeds                     charges
tok_soft_decline_then_succeeds   declines the first attempt of each payment (insufficient_funds), then charges
tok_hard_decline                 declines for good (card_stolen)
tok_requires_3ds                 asks for the customer's authentication; whoever asks later finds it done, and charged
tok_timeout_after_charge         charges, then gives no answer; whoever asks later learns of the charge
"""

from collections.abc import Mapping
from dataclasses import dataclass

from billing_payments.domain.attempt import AttemptState, ChargeOrder

SUCCEEDS = "tok_succeeds"
SOFT_DECLINE = "tok_soft_decline_then_succeeds"
HARD_DECLINE = "tok_hard_decline"
REQUIRES_3DS = "tok_requires_3ds"
TIMEOUT = "tok_timeout_after_charge"

LABELS: Mapping[str, str] = {
    SUCCEEDS: "Sandbox: succeeds",
    SOFT_DECLINE: "Sandbox: declined once, then succeeds",
    HARD_DECLINE: "Sandbox: declined for good",
    REQUIRES_3DS: "Sandbox: requires 3-D Secure",
    TIMEOUT: "Sandbox: times out after charging",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """What the sandbox's book says of one attempt; captured when it SUCCEEDED."""

    order: ChargeOrder
    state: AttemptState
    decline_code: str = ""


def judge(order: ChargeOrder, *, earlier: int) -> Entry:
    """The entry for a new attempt of a payment that had `earlier` ones before."""
    if order.token == SOFT_DECLINE and earlier == 0:
        return Entry(order, AttemptState.SOFT_DECLINED, "insufficient_funds")
    if order.token == HARD_DECLINE:
        return Entry(order, AttemptState.HARD_DECLINED, "card_stolen")
    if order.token == REQUIRES_3DS:
        return Entry(order, AttemptState.REQUIRES_ACTION)
    return Entry(order, AttemptState.SUCCEEDED)
