"""The table of events: types, meaning, topic and key as the protos say, listeners as the consumers' code says."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorProto

from tools.contract import area, events, files
from tools.docs.blocks import code, table
from tools.gen_protos import ROOT

MESSAGE_FIELD = 4  # field number in FileDescriptorProto
SYNTAX_FIELD = 12  # the comment of a file hangs on its syntax line
TOPIC = re.compile(r"Topics? (billing[\w.]+\.v\d+)")
KEY = re.compile(r"\b[Kk]ey: ([^.;]+)")


class Unsaid(Exception):
    """A proto does not say on which topic an event travels or what its key is."""


@dataclass(frozen=True, slots=True)
class Told:
    name: str
    area: str
    meaning: str
    topic: str
    key: str


def told() -> list[Told]:
    """Every event type, in the order of the protos. Raises Unsaid."""
    types = {event.DESCRIPTOR.full_name for event in events()}
    return [each for file in files() if file.name.endswith("/events.proto") for each in _of_file(file, types)]


def _of_file(file: FileDescriptorProto, types: set[str]) -> Iterator[Told]:
    comments = {
        tuple(place.path): " ".join([*place.leading_detached_comments, place.leading_comments])
        for place in file.source_code_info.location
    }
    header = comments.get((SYNTAX_FIELD,), "")
    for index, message in enumerate(file.message_type):
        if f"{file.package}.{message.name}" in types:
            comment = comments.get((MESSAGE_FIELD, index), "")
            topic, key = (pattern.search(comment) or pattern.search(header) for pattern in (TOPIC, KEY))
            if topic is None or key is None:
                raise Unsaid(f"{file.name}: {message.name} names no topic or no key")
            yield Told(message.name, area(file.package), meaning(comment), topic[1], key[1].strip())


def meaning(comment: str) -> str:
    """The comment without the sentence that names topic and key."""
    sentences = re.split(r"(?<=\.)\s+", " ".join(comment.split()))
    return " ".join(each for each in sentences if not TOPIC.search(each) and not KEY.search(each))


def listeners() -> dict[tuple[str, str], list[str]]:
    """(area, message) -> services that consume it: every event that a module of `consumers/` names."""
    names = {(each.area, each.name) for each in told()}
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for path in sorted((ROOT / "services").glob("*/src/*/consumers/*.py")):
        for event in _named(path) & names:
            found[event].add(path.relative_to(ROOT).parts[1])
    return {event: sorted(services) for event, services in found.items()}


def _named(path: Path) -> set[tuple[str, str]]:
    """(area, name) of what a module takes from generated event modules."""
    tree = ast.parse(path.read_text())
    aliases: dict[str, str] = {}
    named: set[tuple[str, str]] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("billing."):
            source = (node.module or "").split(".")[1]
            for alias in node.names:
                if alias.name == "events_pb2":
                    aliases[alias.asname or alias.name] = source
                else:
                    named.add((source, alias.name))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in aliases:
            named.add((aliases[node.value.id], node.attr))
    return named


def text() -> str:
    """One table a topic."""
    heard = listeners()
    topics: dict[str, list[Told]] = defaultdict(list)
    for each in told():
        topics[each.topic].append(each)
    return "\n\n".join(_topic(topic, topics[topic], heard) for topic in sorted(topics))


def _topic(topic: str, told: list[Told], heard: dict[tuple[str, str], list[str]]) -> str:
    rows = [
        (code(each.name), each.key, each.meaning, ", ".join(heard.get((each.area, each.name), []))) for each in told
    ]
    return f"### {code(topic)}, from {told[0].area}\n\n" + table(("Event", "Key", "Meaning", "Heard by"), rows)
