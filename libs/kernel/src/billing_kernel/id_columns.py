"""Ids by the thousand: a column of ids as 16 bytes each is made, hashed and written as text in a few steps for all."""

import hashlib
import os
import time
from collections.abc import Iterable, Sequence
from functools import lru_cache
from uuid import UUID

from billing_kernel.ids import encode

_LANE = 32  # bytes for one id while its 26 digits are spread over them
_DIGITS = 26
_ALPHABET = b"0123456789abcdefghjkmnpqrstvwxyz" * 8  # by the byte: only the first 32 occur
_DASHES = (8, 12, 16, 20)
_VERSION_5 = [bytes([each & 0x0F | 0x50]) for each in range(256)]
_VERSION_7 = [bytes([each & 0x0F | 0x70]) for each in range(256)]
_VARIANT = [bytes([each & 0x3F | 0x80]) for each in range(256)]


def typeids(prefix: str, ids: Sequence[bytes]) -> list[bytes]:
    """`ids.encode` of each, as ASCII.

    All ids are one large integer with a lane of 256 bits each; five times every group of digits is cut in two and its
    upper half moved up, until each digit has a byte.
    """
    head = encode(prefix, UUID(int=0))[:-_DIGITS].encode()
    spare = bytes(_LANE - 16)
    digits = int.from_bytes(spare + spare.join(ids), "big") if ids else 0
    for lower, upper, shift in _spreading(len(ids)):
        digits = digits & lower | (digits & upper) << shift
    text = digits.to_bytes(_LANE * len(ids), "big").translate(_ALPHABET)
    return [head + text[end - _DIGITS : end] for end in range(_LANE, len(text) + 1, _LANE)]


@lru_cache(maxsize=8)
def _spreading(count: int) -> Sequence[tuple[int, int, int]]:
    """(mask of the lower halves, mask of the upper ones, bits by which these move) for 80, 40, 20, 10 and 5 bits."""
    found = []
    for half, room in ((80, 128), (40, 64), (20, 32), (10, 16), (5, 8)):
        low = (1 << half) - 1
        lower = int.from_bytes(low.to_bytes(room // 4, "big") * (count * 128 // room), "big")
        found.append((lower, lower << half, room - half))
    return found


def texts(ids: Sequence[bytes]) -> list[bytes]:
    """`str(UUID)` of each, as ASCII."""
    one, two, three, four = _DASHES
    digits = [each.hex() for each in ids]
    return [
        f"{each[:one]}-{each[one:two]}-{each[two:three]}-{each[three:four]}-{each[four:]}".encode() for each in digits
    ]


def uuid5s(namespace: UUID, names: Iterable[bytes]) -> list[bytes]:
    """`uuid.uuid5` of each name, in UTF-8."""
    space, sha1 = namespace.bytes, hashlib.sha1
    hashes = [sha1(space + name, usedforsecurity=False).digest() for name in names]
    return [each[:6] + _VERSION_5[each[6]] + each[7:8] + _VARIANT[each[8]] + each[9:16] for each in hashes]


def uuid7s(count: int) -> list[bytes]:
    """Fresh time-ordered ids of one moment."""
    head, random = (time.time_ns() // 1_000_000).to_bytes(6, "big"), os.urandom(10 * count)
    tails = [random[at : at + 10] for at in range(0, 10 * count, 10)]
    return [head + _VERSION_7[each[0]] + each[1:2] + _VARIANT[each[2]] + each[3:] for each in tails]
