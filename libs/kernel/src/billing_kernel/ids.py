"""Ids: UUIDv7 inside, TypeID text outside ("sub_01jx...": prefix, underscore, 26 characters of Crockford base32).

Text and bytes sort alike, by time of making. See the TypeID specification 0.3 and RFC 9562.
"""

import os
import re
import time
from functools import lru_cache
from uuid import UUID

from billing_kernel.errors import DomainError, Kind

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}
_PAIRS = tuple(high + low for high in _ALPHABET for low in _ALPHABET)
_PREFIX = re.compile(r"(?:[a-z](?:[a-z_]{0,61}[a-z])?)?")
_SUFFIX_LENGTH = 26
_MILLISECONDS_MAX = 2**48 - 1
_RANDOM_A = (1 << 12) - 1
_RANDOM_B = (1 << 62) - 1


class InvalidId(DomainError):
    """Not an id of this kind."""

    kind = Kind.INVALID
    reason = "INVALID_ID"


def uuid7(now_ms: int | None = None) -> UUID:
    """A fresh time-ordered UUID; `now_ms` is Unix time in milliseconds (48 bits), the wall clock when not given."""
    instant_ms = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    if not 0 <= instant_ms <= _MILLISECONDS_MAX:
        raise InvalidId("the time of an id is 0 to 2**48-1 milliseconds")
    random = int.from_bytes(os.urandom(10), "big")
    tail = (0x7 << 76) | ((random >> 62 & _RANDOM_A) << 64) | (0b10 << 62) | (random & _RANDOM_B)
    return UUID(int=instant_ms << 80 | tail)


def encode(prefix: str, uuid: UUID) -> str:
    """TypeID text. A prefix is up to 63 of a-z and inner underscores, or empty, without separator. Raises InvalidId."""
    number = uuid.int
    suffix = "".join([_PAIRS[number >> shift & 0x3FF] for shift in range(120, -1, -10)])
    return _head(prefix) + suffix


def decode(prefix: str, text: str) -> UUID:
    """The UUID in `text`, which must carry `prefix`, be lower case and fit into 128 bits. Raises InvalidId."""
    head = _head(prefix)
    suffix = text[len(head) :]
    if not text.startswith(head) or len(suffix) != _SUFFIX_LENGTH or suffix[0] > "7":
        raise _invalid(prefix, text)
    number = 0
    try:
        for character in suffix:
            number = number << 5 | _VALUES[character]
    except KeyError:
        raise _invalid(prefix, text) from None
    return UUID(int=number)


@lru_cache(maxsize=1024)
def _head(prefix: str) -> str:
    if _PREFIX.fullmatch(prefix) is None:
        raise InvalidId(f"{prefix[:80]!r} is not an id prefix: a-z and inner underscores, at most 63 characters")
    return f"{prefix}_" if prefix else ""


def _invalid(prefix: str, text: str) -> InvalidId:
    return InvalidId(
        f"{text[:100]!r} is not an id of the form {_head(prefix)}<26 characters>", facts={"prefix": prefix}
    )
