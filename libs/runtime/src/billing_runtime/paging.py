"""Pages of lists: a page token is the opaque base64url text of the last key of the page before."""

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import ClassVar, TypeVar
from uuid import UUID

from billing_kernel.errors import Invalid
from google.protobuf.message import Message

T = TypeVar("T")
M = TypeVar("M", bound=Message)

PAGE_SIZE_DEFAULT = 100
PAGE_SIZE_MAX = 1000
PAGE_BYTES_MAX = 3 << 20  # an answer is at most 4 MiB


class InvalidPageToken(Invalid):
    reason: ClassVar[str] = "INVALID_PAGE_TOKEN"


def page_size(requested: int) -> int:
    """Rows of one page: 0 means 100, never more than 1,000. Read one row more to learn whether a page follows."""
    return min(requested, PAGE_SIZE_MAX) if requested > 0 else PAGE_SIZE_DEFAULT


def token_of(*key: str) -> str:
    """The token of the page behind the row with this key."""
    return urlsafe_b64encode(json.dumps(key, separators=(",", ":")).encode()).rstrip(b"=").decode()


def key_of(token: str, parts: int = 1) -> tuple[str, ...] | None:
    """The key in `token`, of `parts` texts; None for the first page (""). Raises InvalidPageToken."""
    if not token:
        return None
    try:
        raw = urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
        key = json.loads(raw)
    except (ValueError, binascii.Error, RecursionError) as error:
        raise InvalidPageToken("the page token was not given by this method") from error
    if not isinstance(key, list) or len(key) != parts or not all(isinstance(part, str) for part in key):
        raise InvalidPageToken("the page token was not given by this method")
    if token_of(*key) != token:
        raise InvalidPageToken("the page token was not given by this method")
    return tuple(key)


def uuid_of(token: str) -> UUID | None:
    """The same for lists whose key is one UUID, made by token_of(str(uuid))."""
    key = key_of(token)
    if key is None:
        return None
    try:
        return UUID(key[0])
    except ValueError as error:
        raise InvalidPageToken("the page token was not given by this method") from error


def page_of(rows: Sequence[T], size: int, key: Callable[[T], str], message: Callable[[T], M]) -> tuple[list[M], str]:
    """Cuts `size` + 1 read rows to the messages of one page and the token of the next: "" on the last.

    A page also ends before it grows beyond PAGE_BYTES_MAX.
    """
    made: list[M] = []
    room = PAGE_BYTES_MAX
    for row in rows[:size]:
        made.append(message(row))
        room -= made[-1].ByteSize() + 8
        if room < 0 and len(made) > 1:
            made.pop()
            break
    return made, token_of(key(rows[len(made) - 1])) if len(made) < len(rows) else ""
