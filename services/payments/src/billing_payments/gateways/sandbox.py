"""The sandbox: a gateway that moves no money. Its tokens decide what it does; what it did stands in its own book."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from billing_runtime.fault import failpoint

from billing_payments.domain.attempt import AttemptState, ChargeOrder, Outcome
from billing_payments.domain.errors import GatewayUnclear, UnknownToken
from billing_payments.domain.sandbox import LABELS, TIMEOUT, Entry, judge
from billing_payments.operations.ports import AttachedToken, OpenBook

NAME = "sandbox"


class SandboxGateway:
    """The port `Gateway` over a book. `pass_point` marks where the charge is made and not answered yet."""

    def __init__(self, open_book: OpenBook, pass_point: Callable[[str], None] = failpoint) -> None:
        self._open_book = open_book
        self._pass_point = pass_point

    async def attach(self, token: str) -> AttachedToken:
        if token not in LABELS:
            raise UnknownToken("the sandbox does not know this token", facts={"tokens": ", ".join(LABELS)})
        return AttachedToken(token, LABELS[token])

    async def charge(self, order: ChargeOrder) -> Outcome:
        async with self._open_book() as book:
            entry, earlier = await book.look_up(order)
            if entry is None:
                entry = await book.enter(judge(order, earlier=earlier))
        self._pass_point("payments.sent")
        if entry.order != order:
            raise GatewayUnclear("the attempt_id was used for another order")
        if order.token == TIMEOUT:
            raise GatewayUnclear("the sandbox timed out")
        return _outcome(entry)

    async def query(self, attempt_id: UUID) -> Outcome | None:
        async with self._open_book() as book:
            entry = await book.find(attempt_id)
            if entry is not None and entry.state is AttemptState.REQUIRES_ACTION:
                entry = replace(entry, state=AttemptState.SUCCEEDED)
                await book.capture(entry)
        return _outcome(entry) if entry is not None else None


def _outcome(entry: Entry) -> Outcome:
    return Outcome(entry.state, f"sandbox_{entry.order.attempt_id.hex}", entry.decline_code)
