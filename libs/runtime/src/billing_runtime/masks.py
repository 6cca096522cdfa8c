"""Field masks: which fields an answer holds, and which fields a change touches."""

from collections.abc import Iterable
from typing import ClassVar, TypeVar

from billing_kernel.errors import Invalid, Violation
from google.protobuf.descriptor import Descriptor
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

M = TypeVar("M", bound=Message)

PATHS_MAX = 100


class InvalidReadMask(Invalid):
    """Names a field that the answer does not have, or too many."""

    reason: ClassVar[str] = "INVALID_READ_MASK"


class InvalidUpdateMask(Invalid):
    """Names no field, or one that cannot be changed."""

    reason: ClassVar[str] = "INVALID_UPDATE_MASK"


def check_read_mask(descriptor: Descriptor, mask: FieldMask) -> None:
    """Raises InvalidReadMask unless every path names a field of the message; paths end before lists and maps."""
    unknown = [path for path in mask.paths[:PATHS_MAX] if path != "*" and not _known(descriptor, path)]
    if len(mask.paths) > PATHS_MAX:
        raise InvalidReadMask(f"a mask has at most {PATHS_MAX} paths")
    if unknown:
        raise InvalidReadMask("the read mask names unknown fields", violations=_violations("read_mask", unknown))


def apply_read_mask(message: M, mask: FieldMask) -> M:
    """The message with the fields of `mask` alone; itself for an empty mask or "*". Raises InvalidReadMask."""
    if not mask.paths:
        return message
    descriptor: Descriptor = message.DESCRIPTOR  # type: ignore[assignment]  # the stubs name the C class beside it
    check_read_mask(descriptor, mask)
    if "*" in mask.paths:
        return message
    kept = type(message)()
    mask.MergeMessage(message, kept)
    return kept


def check_update_mask(mask: FieldMask, allowed: Iterable[str]) -> frozenset[str]:
    """The paths of `mask`. Raises InvalidUpdateMask when it is empty or names a field that is not in `allowed`."""
    names = frozenset(allowed)
    paths = frozenset(mask.paths)
    if not paths:
        raise InvalidUpdateMask("the update mask names the fields to change: " + ", ".join(sorted(names)))
    unknown = sorted(paths - names)
    if unknown:
        violations = _violations("update_mask", unknown[:PATHS_MAX])
        raise InvalidUpdateMask("the update mask may name: " + ", ".join(sorted(names)), violations=violations)
    return paths


def _known(descriptor: Descriptor, path: str) -> bool:
    current: Descriptor | None = descriptor
    for name in path.split("."):
        field = current.fields_by_name.get(name) if current is not None else None
        if field is None:
            return False
        current = None if field.is_repeated else field.message_type
    return True


def _violations(field: str, paths: Iterable[str]) -> list[Violation]:
    return [Violation(field, f"{path[:64]!r} is not a field that can be named here", "field.known") for path in paths]
