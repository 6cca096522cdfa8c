"""Where refusals are made: a scan of the source for calls of their classes. Nothing is run."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tools.bootstrap import members
from tools.gen_protos import ROOT

FILLED_IN = "…"


@dataclass(frozen=True, slots=True)
class Made:
    """One call `Class(first, second, ...)`: the class by its full name, its literal texts in order."""

    name: str
    owner: str  # member of the workspace: "subscriptions", "runtime"
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Module:
    owner: str
    name: str
    tree: ast.Module


@cache
def modules() -> tuple[Module, ...]:
    """Every module written by hand."""
    folders = [member for member in members() if member.name not in ("protos", "cli", "devstack", "testkit")]
    return tuple(_read(member.name, path) for member in folders for path in sorted((member / "src").rglob("*.py")))


def _read(owner: str, path: Path) -> Module:
    parts = path.relative_to(ROOT / path.relative_to(ROOT).parents[-2]).with_suffix("").parts
    inside = parts[parts.index("src") + 1 :]
    return Module(owner, ".".join(inside).removesuffix(".__init__"), ast.parse(path.read_text()))


def defines_refusals(module: Module) -> bool:
    """Whether it has a class with bases and a `reason`."""
    classes = [node for node in module.tree.body if isinstance(node, ast.ClassDef) and node.bases]
    named = [
        ast.unparse(part) for node in classes for part in node.body if isinstance(part, ast.Assign | ast.AnnAssign)
    ]
    return any(text.startswith("reason") for text in named)


@cache
def made() -> tuple[Made, ...]:
    """Every call of a class of ours."""
    return tuple(call for module in modules() for call in _calls(module))


def _calls(module: Module) -> Iterator[Made]:
    names = _names(module)
    passive = {id(inner) for node in ast.walk(module.tree) for part in _passive(node) for inner in ast.walk(part)}
    for node in ast.walk(module.tree):
        if id(node) in passive:
            continue
        if isinstance(node, ast.expr) and (name := _resolved(node, names)):
            yield Made(name, module.owner, ())
        if isinstance(node, ast.Call | ast.Tuple):  # Taken("..."), refuse(InvalidName, "name", "..."), (Taken, "...")
            yield from _with_texts(node, module.owner, names)


def _with_texts(node: ast.Call | ast.Tuple, owner: str, names: dict[str, str]) -> Iterator[Made]:
    given = node.args if isinstance(node, ast.Call) else node.elts
    texts = tuple(text for text in map(_text, given) if text is not None)
    if isinstance(node, ast.Call) and (name := _resolved(node.func, names)):
        yield Made(name, owner, texts)
    yield from (Made(name, owner, texts[-1:]) for part in given if (name := _resolved(part, names)))


def _passive(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of a node where naming a class makes nothing: bases, annotations, what is caught or asked for."""
    if isinstance(node, ast.ClassDef):
        yield from node.bases
    elif isinstance(node, ast.ExceptHandler) and node.type is not None:
        yield node.type
    elif isinstance(node, ast.arg | ast.AnnAssign) and node.annotation is not None:
        yield node.annotation
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns is not None:
        yield node.returns
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("isinstance", "suppress"):
        yield node


def _names(module: Module) -> dict[str, str]:
    """Name in the module -> full name of the class or module that it means."""
    found = {node.name: f"{module.name}.{node.name}" for node in module.tree.body if isinstance(node, ast.ClassDef)}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("billing_"):
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _resolved(node: ast.expr, names: dict[str, str]) -> str | None:
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in names:
        return f"{names[node.value.id]}.{node.attr}"
    return None


def _text(node: ast.expr) -> str | None:
    """A literal text; what is filled in at run time shows as "…"."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else FILLED_IN for part in node.values]
        return re.sub(f"{FILLED_IN}+", FILLED_IN, "".join(str(part) for part in parts))
    if isinstance(node, ast.BinOp):
        left, right = _text(node.left), _text(node.right)
        return None if left is None and right is None else f"{left or FILLED_IN}{right or FILLED_IN}"
    return None
