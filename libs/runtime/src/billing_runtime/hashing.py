"""Content hashes: SHA-256 over canonical JSON (RFC 8785), with a version number."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import rfc8785
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

VERSION = 1

Json = Mapping[str, Any] | Sequence[Any] | str | int | bool | None


def canonical_json(content: Message | Json) -> bytes:
    """RFC 8785 bytes of a message (proto field names, int64 as strings, unset fields left out) or of a JSON value.

    Raises ValueError for what JSON cannot hold exactly, as an integer beyond 2^53.
    """
    value = MessageToDict(content, preserving_proto_field_name=True) if isinstance(content, Message) else content
    return rfc8785.dumps(value)


def content_hash(content: Message | Json) -> tuple[int, str]:
    """(version, SHA-256 as 64 hex digits) over `canonical_json(content)`."""
    return VERSION, hashlib.sha256(canonical_json(content)).hexdigest()
