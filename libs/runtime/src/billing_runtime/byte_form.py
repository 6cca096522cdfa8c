"""Many messages or rows that differ in a few places: written once as a form, then filled in by the thousand."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

PLACES_MAX = 63
_MARKS = (1, 64)  # first bytes of what is written to find the places: all of them are ASCII
_DIFFERENT = re.compile(rb"[^\0]+")


@dataclass(frozen=True, slots=True)
class ByteForm:
    """Bytes with places for contents of fixed lengths. Made by `of`."""

    _form: bytes  # as the operator % wants it
    _order: tuple[int, ...]  # which content stands in which place

    @classmethod
    def of(cls, write: Callable[[Sequence[bytes]], bytes], lengths: Sequence[int]) -> "ByteForm":
        """The form of what `write` makes of at most PLACES_MAX contents of these lengths.

        It is asked twice, with contents that share no byte: where the results differ, a content stands. Contents are
        ASCII, and may not touch each other.
        """
        assert len(lengths) <= PLACES_MAX, "a form has few places"
        one, two = (write([bytes([mark + at]) * length for at, length in enumerate(lengths)]) for mark in _MARKS)
        assert len(one) == len(two), "a content changes the length"
        parts, order, end = [], [], 0
        for place in _DIFFERENT.finditer(_xor(one, two)):
            at = one[place.start()] - _MARKS[0]
            assert place.group() == bytes([_MARKS[0] + at ^ _MARKS[1] + at]) * lengths[at], "contents that touch"
            parts.append(one[end : place.start()].replace(b"%", b"%%"))
            order.append(at)
            end = place.end()
        parts.append(one[end:].replace(b"%", b"%%"))
        return cls(b"%b".join(parts), tuple(order))

    def fill(self, columns: Sequence[Sequence[bytes]]) -> list[bytes]:
        """One result for each row of the columns, which are the contents in the order of `lengths`."""
        form = self._form
        return [form % contents for contents in zip(*(columns[at] for at in self._order), strict=True)]


def _xor(one: bytes, two: bytes) -> bytes:
    return (int.from_bytes(one, "big") ^ int.from_bytes(two, "big")).to_bytes(len(one), "big")
