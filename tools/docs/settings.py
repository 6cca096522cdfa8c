"""The tables of settings: names and defaults from the settings classes, words from the README of their owner."""

import dataclasses
import importlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from billing_runtime.settings import RuntimeSettings

from tools.docs.blocks import code, table
from tools.gen_protos import ROOT

SERVICES = ("subscriptions", "usage", "invoicing", "tax", "payments")
ROW = re.compile(r"^\| `([A-Z][A-Z0-9_]*)` \| (.*?) \| (.*) \|$", re.MULTILINE)
NOTHING = "–"


class Disagreement(Exception):
    """A README leaves a setting out, or gives it another default than the code."""


@dataclass(frozen=True, slots=True)
class Owner:
    name: str
    readme: str
    module: str


OWNERS = (
    Owner("runtime", "libs/runtime/README.md", "billing_runtime.settings"),
    *(Owner(name, f"services/{name}/README.md", f"billing_{name}.config") for name in SERVICES),
)


def fields(owner: Owner) -> Iterator[dataclasses.Field[Any]]:
    """The owner's settings without those of the runtime, each once."""
    module = importlib.import_module(owner.module)
    common = {field.name for field in dataclasses.fields(RuntimeSettings)}
    seen: set[str] = set() if owner.name == "runtime" else common
    for each in vars(module).values():
        if dataclasses.is_dataclass(each) and isinstance(each, type) and each.__module__ == owner.module:
            for field in dataclasses.fields(each):
                if field.name not in seen:
                    seen.add(field.name)
                    yield field


def default(field: dataclasses.Field[Any]) -> str:
    """The default as it would stand in the environment; "–" for none."""
    value = field.default
    if value is dataclasses.MISSING or value in ("", ()):
        return NOTHING
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def words(owner: Owner) -> Mapping[str, tuple[str, str]]:
    """Setting -> (default, meaning) in the rows of the owner's README."""
    path = ROOT / owner.readme
    found = ROW.findall(path.read_text()) if path.exists() else []
    return {name: (given.strip("`"), meaning) for name, given, meaning in found}


def text(owner: Owner) -> str:
    """The owner's table. Raises Disagreement."""
    said = words(owner)
    rows = []
    for field in fields(owner):
        name, value = field.name.upper(), default(field)
        given, meaning = said.get(name, ("", ""))
        if given != value:
            raise Disagreement(f"{owner.readme}: {name} has the default {value}, the table says {given or 'nothing'}")
        rows.append((code(name), value, meaning))
    return table(("Setting", "Default", "What"), rows) if rows else "None of its own."


def writers() -> dict[str, Any]:
    return {f"settings-{owner.name}": partial(text, owner) for owner in OWNERS}
