"""Answers of batches come as streams with an end marker: without it an answer is not whole."""

from collections.abc import AsyncIterable, Iterator, Sequence
from typing import Any, TypeVar

from billing_kernel.errors import DomainError, Kind

Message = TypeVar("Message", bound=Any)
Item = TypeVar("Item")


class AnswerCutOff(DomainError):
    """The stream ended before its end marker: ask again."""

    kind = Kind.UNAVAILABLE
    reason = "ANSWER_CUT_OFF"


async def whole(stream: AsyncIterable[Message]) -> list[Message]:
    """All messages of an answer. Raises AnswerCutOff."""
    messages = [message async for message in stream]
    if not messages or not messages[-1].end:
        raise AnswerCutOff("the answer of another service ended too early")
    return messages


def slices(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """The items in their order, at most `size` at a time."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
