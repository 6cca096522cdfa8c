"""Write buf/validate/validate.proto from the descriptor inside the protovalidate wheel, which carries no .proto file.

Usage: python tools/validate_proto.py DIRECTORY
"""

import ast
import importlib.util
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format
from google.protobuf import duration_pb2 as _duration  # noqa: F401  puts its descriptor into the default pool
from google.protobuf import field_mask_pb2 as _field_mask  # noqa: F401
from google.protobuf import timestamp_pb2 as _timestamp  # noqa: F401

NAME = "buf/validate/validate.proto"
HEADER = "// Written by tools/validate_proto.py from the protovalidate wheel (Apache-2.0, Buf Technologies, Inc.)."

Enum = descriptor_pb2.EnumDescriptorProto
Field = descriptor_pb2.FieldDescriptorProto
File = descriptor_pb2.FileDescriptorProto
Message = descriptor_pb2.DescriptorProto

LABELS = {
    Field.LABEL_OPTIONAL: "optional ",
    Field.LABEL_REQUIRED: "required ",
    Field.LABEL_REPEATED: "repeated ",
}


def embedded_descriptor() -> bytes:
    """The serialized FileDescriptorProto, read from the wheel's source without running it."""
    spec = importlib.util.find_spec("protovalidate._gen.buf.validate.validate_pb")
    assert spec is not None, "protovalidate changed its layout"
    assert spec.origin is not None, "protovalidate is not plain source"
    for node in ast.walk(ast.parse(Path(spec.origin).read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "file_desc":
            found = ast.literal_eval(node.args[0])
            assert isinstance(found, bytes)
            return found
    raise AssertionError("protovalidate no longer embeds its descriptor")


def literal(field: Any, value: Any) -> str:
    if field.message_type:
        return "{ " + text_format.MessageToString(value, as_one_line=True) + " }"
    if field.enum_type:
        return str(field.enum_type.values_by_number[value].name)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def options(message: Any) -> list[str]:
    """The set options as `name = value`, extensions in parentheses, repeated ones once per value."""
    lines = []
    for field, value in message.ListFields():
        name = f"({field.full_name})" if field.is_extension else field.name
        lines += [f"{name} = {literal(field, each)}" for each in (value if field.is_repeated else [value])]
    return lines


def scalar(field: Field) -> str:
    return field.type_name or Field.Type.Name(field.type).removeprefix("TYPE_").lower()


def field_type(field: Field, proto3: bool, maps: Mapping[str, Message]) -> str:
    if field.type_name in maps:
        return f"map<{', '.join(scalar(each) for each in maps[field.type_name].field)}>"
    implicit = proto3 and not field.proto3_optional and field.label == Field.LABEL_OPTIONAL
    return ("" if in_oneof(field) or implicit else LABELS[field.label]) + scalar(field)


def in_oneof(field: Field) -> bool:
    return field.HasField("oneof_index") and not field.proto3_optional


def field_line(field: Field, proto3: bool, maps: Mapping[str, Message]) -> str:
    settings = options(field.options)
    if field.HasField("default_value"):
        quoted = f'"{field.default_value}"' if field.type == Field.TYPE_STRING else field.default_value
        settings.insert(0, f"default = {quoted}")
    suffix = f" [{', '.join(settings)}]" if settings else ""
    return f"{field_type(field, proto3, maps)} {field.name} = {field.number}{suffix};"


def enum_lines(enum: Enum) -> Iterator[str]:
    yield f"enum {enum.name} {{"
    yield from (f"option {each};" for each in options(enum.options))
    yield from (f"{value.name} = {value.number};" for value in enum.value)
    yield from (f"reserved {each.start} to {each.end};" for each in enum.reserved_range)
    yield from (f'reserved "{name}";' for name in enum.reserved_name)
    yield "}"


def oneof_lines(message: Message, index: int, proto3: bool, maps: Mapping[str, Message]) -> Iterator[str]:
    yield f"oneof {message.oneof_decl[index].name} {{"
    yield from (f"option {each};" for each in options(message.oneof_decl[index].options))
    members = (field for field in message.field if in_oneof(field) and field.oneof_index == index)
    yield from (field_line(field, proto3, maps) for field in members)
    yield "}"


def field_lines(message: Message, proto3: bool, maps: Mapping[str, Message]) -> Iterator[str]:
    """All fields in their declared order; a oneof stands where its first member does."""
    done: set[int] = set()
    for field in message.field:
        if not in_oneof(field):
            yield field_line(field, proto3, maps)
        elif field.oneof_index not in done:
            done.add(field.oneof_index)
            yield from oneof_lines(message, field.oneof_index, proto3, maps)


def range_lines(message: Message) -> Iterator[str]:
    for extension in message.extension_range:
        yield f"extensions {extension.start} to {'max' if extension.end > 0x1FFFFFFF else extension.end - 1};"
    yield from (f"reserved {each.start} to {each.end - 1};" for each in message.reserved_range)
    yield from (f'reserved "{name}";' for name in message.reserved_name)


def message_lines(message: Message, proto3: bool, parent: str) -> Iterator[str]:
    full_name = f"{parent}.{message.name}"
    maps = {f"{full_name}.{each.name}": each for each in message.nested_type if each.options.map_entry}
    yield f"message {message.name} {{"
    yield from (f"option {each};" for each in options(message.options))
    for enum in message.enum_type:
        yield from enum_lines(enum)
    for nested in message.nested_type:
        if not nested.options.map_entry:
            yield from message_lines(nested, proto3, full_name)
    yield from field_lines(message, proto3, maps)
    yield from range_lines(message)
    yield "}"


def file_lines(file: File) -> Iterator[str]:
    proto3 = file.syntax == "proto3"
    yield HEADER
    yield f'syntax = "{file.syntax or "proto2"}";'
    yield f"package {file.package};"
    yield from (f'import "{name}";' for name in file.dependency)
    yield from (f"option {each};" for each in options(file.options))
    for enum in file.enum_type:
        yield from enum_lines(enum)
    for message in file.message_type:
        yield from message_lines(message, proto3, f".{file.package}")
    for extension in file.extension:
        yield from (f"extend {extension.extendee} {{", field_line(extension, False, {}), "}")


def source() -> str:
    """The text of validate.proto; compiled, it gives the wheel's descriptor back."""
    raw = embedded_descriptor()
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(raw)
    message_factory.GetMessageClassesForFiles([NAME], pool)
    return "\n".join(file_lines(File.FromString(raw))) + "\n"


def main(folder: Path) -> None:
    target = folder / NAME
    text = source()
    if not target.exists() or target.read_text() != text:  # untouched when equal: another process may be reading it
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
