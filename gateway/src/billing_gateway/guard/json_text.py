"""Reads JSON without losing what a lenient reader loses: repeated names, the spelling of numbers, broken text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn


class Unreadable(Exception):
    """The bytes are no JSON. The text is for the caller and repeats nothing of what was sent."""


class Members(list[tuple[str, Any]]):
    """An object: its members in order, repeated ones too."""


class Integer(str):
    """A number without fraction and exponent, as it was spelled."""

    __slots__ = ()


class Decimal(str):
    """A number with a fraction or an exponent, as it was spelled."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Where:
    """A place in a body, written out only when somebody asks: "items[2].name"."""

    parent: Where | None
    step: str | int

    def __str__(self) -> str:
        return "".join(self._steps()).removeprefix(".")

    def _steps(self) -> Iterator[str]:
        if self.parent is not None:
            yield from self.parent._steps()
        yield f"[{self.step}]" if isinstance(self.step, int) else f".{_shown(self.step)}"


def read(raw: bytes) -> Any:
    """Members, list, str, Integer, Decimal, bool or None. Raises Unreadable."""
    try:
        return _DECODER.decode(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Unreadable("the body is not UTF-8") from error
    except json.JSONDecodeError as error:
        raise Unreadable(f"the body is not JSON: line {error.lineno}, column {error.colno}") from error
    except RecursionError as error:
        raise Unreadable("the body is nested too deeply") from error


def _no_number(_text: str) -> NoReturn:
    raise Unreadable("the body is not JSON: NaN and Infinity are no numbers")


def _shown(name: str) -> str:
    """A member's name as an answer may repeat it."""
    return "".join(letter if letter.isprintable() else "?" for letter in name[:100])


_DECODER = json.JSONDecoder(
    object_pairs_hook=Members, parse_int=Integer, parse_float=Decimal, parse_constant=_no_number, strict=True
)
