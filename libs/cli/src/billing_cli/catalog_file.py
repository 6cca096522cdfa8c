"""Files in YAML, read against a schema: every complaint has its line; numbers stay the text that was written."""

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from billing_cli.catalog_schema import Schema, resolved
from billing_cli.errors import BadArgument

BYTES_MAX = 5 << 20
NULL, TEXT = "tag:yaml.org,2002:null", "tag:yaml.org,2002:str"
_TRUTH = {"true": True, "false": False}
_PATH = re.compile(r"(.*)(\.[^.\[\]]+|\[\d+\])$")


@dataclass(frozen=True, slots=True)
class Complaint:
    line: int
    path: str
    text: str


@dataclass
class Written:
    """A file as the API takes it, with the line of each path ("plans[0].code") and what is wrong."""

    name: str
    value: Any = None
    lines: dict[str, int] = field(default_factory=dict)
    complaints: list[Complaint] = field(default_factory=list)

    def line_of(self, path: str) -> int:
        """The line of a path, or of what it lies in; 1 for a path that is not there at all."""
        while path and path not in self.lines:
            match = _PATH.match(path)
            path = match[1] if match else ""
        return self.lines.get(path, 1)

    def place(self, path: str, text: str) -> str:
        """One line for a person: "catalog.yaml:12: plans[0].code: is too long"."""
        return f"{self.name}:{self.line_of(path)}: {path}: {text}" if path else f"{self.name}:1: {text}"


def read(path: Path, schema: Schema) -> Written:
    """The content of a file. Raises BadArgument that lists every complaint."""
    try:
        raw = path.read_bytes()
        text = raw.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise BadArgument(f"{path} cannot be read: {error}") from error
    if len(raw) > BYTES_MAX:
        raise BadArgument(f"{path} is larger than {BYTES_MAX >> 20} MiB")
    return read_text(text, schema, str(path))


def read_text(text: str, schema: Schema, name: str) -> Written:
    """The same for text. Raises BadArgument."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError) as error:
        raise BadArgument(f"{name} is no YAML: {error}") from error
    if root is None:
        raise BadArgument(f"{name} is empty")
    written = Written(name)
    written.value = _value(root, schema, "", written)
    if written.complaints:
        found = sorted(written.complaints, key=lambda each: each.line)
        hint = "\n".join(f"{name}:{each.line}: {each.path + ': ' if each.path else ''}{each.text}" for each in found)
        count = "1 thing is" if len(found) == 1 else f"{len(found)} things are"
        raise BadArgument(f"{name}: {count} wrong", hint)
    return written


def _value(node: Node, schema: Schema, path: str, written: Written) -> Any:
    schema = resolved(schema)
    written.lines.setdefault(path, node.start_mark.line + 1)
    if schema.get("type") == "object":
        return _object(node, schema, path, written)
    if schema.get("type") == "array":
        return _array(node, schema, path, written)
    if not isinstance(node, ScalarNode):
        return _complain(node, path, "is one value, not a list or a mapping", written)
    return _scalar(node, schema, path, written)


def _object(node: Node, schema: Schema, path: str, written: Written) -> Any:
    if not isinstance(node, MappingNode):
        return _complain(node, path, "is a mapping of names to values", written)
    made: dict[str, Any] = {}
    for key, value in node.value:
        name = key.value if isinstance(key, ScalarNode) else ""
        inner = _inner(name, schema)
        at = f"{path}.{name}" if path else name
        if inner is None:
            _complain(key, at, f"is no known key{_guess(name, schema)}", written)
        elif name in made:
            _complain(key, at, "is written twice", written)
        elif not (isinstance(value, ScalarNode) and value.tag == NULL):
            written.lines[at] = key.start_mark.line + 1
            made[name] = _value(value, inner, at, written)
    for name in schema.get("required", ()):
        if name not in made:
            _complain(node, path, f"needs {name!r}", written)
    _check_choices(node, made, schema, path, written)
    return made


def _inner(name: str, schema: Schema) -> Schema | None:
    """The schema of a key; None where there is none."""
    found: Schema | None = schema.get("properties", {}).get(name)
    if found is None and isinstance(schema.get("additionalProperties"), Mapping):
        found = schema["additionalProperties"]
    return found


def _guess(name: str, schema: Schema) -> str:
    near = difflib.get_close_matches(name, schema.get("properties", ()), n=1)
    return f": did you mean {near[0]!r}?" if near else ""


def _check_choices(node: Node, made: Mapping[str, Any], schema: Schema, path: str, written: Written) -> None:
    choices = [each["required"][0] for each in schema.get("oneOf", ()) if "required" in each]
    if not choices:
        return
    given = [name for name in choices if name in made]
    if len(given) > 1:
        _complain(node, path, f"has {' and '.join(given)}, of which only one may be there", written)
    elif not given and len(choices) == len(schema["oneOf"]):
        _complain(node, path, f"needs one of {', '.join(choices)}", written)


def _array(node: Node, schema: Schema, path: str, written: Written) -> Any:
    if not isinstance(node, SequenceNode):
        return _complain(node, path, "is a list", written)
    least, most = schema.get("minItems", 0), schema.get("maxItems")
    if len(node.value) < least:
        _complain(node, path, f"has at least {least}", written)
    if most is not None and len(node.value) > most:
        _complain(node, path, f"has at most {most}", written)
    return [_value(each, schema["items"], f"{path}[{index}]", written) for index, each in enumerate(node.value)]


def _scalar(node: ScalarNode, schema: Schema, path: str, written: Written) -> Any:
    """The text as it is written: no number in between, so 0.10 stays 0.10."""
    text = str(node.value)
    if schema.get("type") == "boolean":
        return _TRUTH[text] if text in _TRUTH else _complain(node, path, "is true or false", written)
    if schema.get("type") == "integer":
        if not re.fullmatch(r"-?[0-9]{1,19}", text):
            return _complain(node, path, f"{text!r} is no whole number", written)
        return _checked(node, int(text), schema, path, written)
    if "x-prefix" in schema:
        short = text.removeprefix(schema["x-prefix"])
        if short not in schema["enum"]:
            near = difflib.get_close_matches(short.upper(), schema["enum"], n=1)
            guess = f": did you mean {near[0]}?" if near else ""
            return _complain(node, path, f"{text!r} is none of {', '.join(schema['enum'])}{guess}", written)
        return schema["x-prefix"] + short
    return _checked(node, text, schema, path, written)


def _checked(node: Node, value: Any, schema: Schema, path: str, written: Written) -> Any:
    for text in _broken(value, schema):
        _complain(node, path, text, written)
    return value


def _broken(value: Any, schema: Schema) -> Iterator[str]:
    if "const" in schema and value != schema["const"]:
        yield f"is {schema['const']}"
    if isinstance(value, int):
        if value < schema.get("minimum", value):
            yield f"is at least {schema['minimum']}"
        if value > schema.get("maximum", value):
            yield f"is at most {schema['maximum']}"
        return
    if "pattern" in schema and re.search(schema["pattern"], value) is None:
        yield f"{value[:48]!r} is not of the form {schema['pattern']}"
    if len(value) < schema.get("minLength", 0):
        yield f"has at least {schema['minLength']} characters"
    if len(value) > schema.get("maxLength", len(value)):
        yield f"has at most {schema['maxLength']} characters"


def _complain(node: Node, path: str, text: str, written: Written) -> None:
    written.complaints.append(Complaint(node.start_mark.line + 1, path, text))
