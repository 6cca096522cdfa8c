"""Whether a request is one that the contract allows: its rules (protovalidate) and what no rule needs to repeat.

Refused everywhere: bytes that are no message, unknown fields, unknown enum numbers, control characters in text. Fields
marked IGNORE_ALWAYS are left to the operation, which judges each item with `violations_of`.
"""

from typing import Any, TypeVar, cast

import protovalidate
from billing_kernel.errors import Invalid, Violation
from buf.validate import validate_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import FieldOptions, MessageOptions
from google.protobuf.message import DecodeError, Message

from billing_runtime import hygiene
from billing_runtime.errors import MalformedRequest

M = TypeVar("M", bound=Message)

PATH_LENGTH_MAX = 200
_VALIDATOR = protovalidate.Validator()


class ValidationFailed(Invalid):
    reason = "VALIDATION_FAILED"


def parse(message: type[M], raw: bytes) -> M:
    """The message in `raw`; raises MalformedRequest. Never names a type or repeats the bytes."""
    try:
        parsed = message.FromString(raw)
    except DecodeError as error:
        raise MalformedRequest("the request is not a valid message") from error
    size = parsed.ByteSize()
    parsed.DiscardUnknownFields()
    if parsed.ByteSize() != size:
        raise MalformedRequest("the request has fields that this version does not know")
    return parsed


def validate(message: Message) -> None:
    """Raises ValidationFailed with one violation for each broken rule."""
    violations = violations_of(message)
    if violations:
        raise ValidationFailed("the request breaks the rules of its fields", violations=violations)


def violations_of(message: Message) -> list[Violation]:
    """Every broken rule of one message, with field paths such as "items[2].name"; empty when it is good."""
    found = hygiene.dirt_of(message)
    if found:
        return found
    try:
        return [_violation(broken.proto) for broken in _VALIDATOR.collect_violations(message)]
    except protovalidate.EvaluationError:
        return [Violation("", "a rule of the message cannot be evaluated", "evaluation")]


def is_timeless(message: type[Message]) -> bool:
    """Whether no rule of the message, or of a message in it, asks what time it is: then the same bytes are always good,
    or never."""
    return _is_timeless(cast(Descriptor, message.DESCRIPTOR), set())


def _is_timeless(descriptor: Descriptor, seen: set[str]) -> bool:
    if descriptor.full_name in seen:
        return True
    seen.add(descriptor.full_name)
    of_message = MessageOptions.FromString(descriptor.GetOptions().SerializeToString())
    if _says_now(of_message.Extensions[validate_pb2.message]):
        return False
    return all(_field_is_timeless(field, seen) for field in descriptor.fields)


def _field_is_timeless(field: FieldDescriptor, seen: set[str]) -> bool:
    # Parsed anew: options that were read before the extension was known keep it among the unknown fields.
    rules = FieldOptions.FromString(field.GetOptions().SerializeToString()).Extensions[validate_pb2.field]
    if _says_now(rules):
        return False
    return field.message_type is None or _is_timeless(field.message_type, seen)


def _says_now(rules: Message) -> bool:
    """The rules lt_now, gt_now and within, and `now` in an expression; one too many is only slower."""
    text = str(rules)
    return "now" in text or "within" in text


def prepare(message: type[Message]) -> None:
    """Compiles the rules of a message type; raises protovalidate.CompilationError for a contract that is wrong."""
    _VALIDATOR.collect_violations(message())
    hygiene.prepare(message.DESCRIPTOR)


def _violation(broken: Any) -> Violation:
    path = ""
    for element in broken.field.elements if broken.field else ():
        path += f".{element.field_name}" if path else element.field_name
        if element.subscript is not None:
            path += f"[{element.subscript.value}]"
    return Violation(path[:PATH_LENGTH_MAX], broken.message, broken.rule_id)
