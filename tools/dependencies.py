"""Each member imports only what its own pyproject.toml declares: nothing arrives by way of another member.

Usage: python -m tools.dependencies
"""

import ast
import importlib.metadata
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from tools.bootstrap import ROOT, members

Owners = Mapping[str, set[str]]


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def module_owners() -> Owners:
    """Dotted module -> distributions that ship it; parents of namespace packages have many owners."""
    owners: dict[str, set[str]] = defaultdict(set)
    for distribution in importlib.metadata.distributions():
        name = canonical(distribution.metadata["Name"])
        for file in distribution.files or ():
            if file.suffix in (".py", ".so"):
                for module in modules_of(file.parts):
                    owners[module].add(name)
    return owners


def modules_of(parts: tuple[str, ...]) -> Iterator[str]:
    stems = [*parts[:-1], parts[-1].split(".")[0]]
    if stems[-1] == "__init__":
        stems.pop()
    for depth in range(1, len(stems) + 1):
        yield ".".join(stems[:depth])


def workspace_owners() -> dict[str, str]:
    """Top-level package -> member, such as billing_kernel -> billing-kernel."""
    return {
        folder.name: canonical(str(project(member)["name"]))
        for member in members()
        for folder in (member / "src").iterdir()
        if folder.is_dir()
    }


def project(member: Path) -> dict[str, object]:
    found = tomllib.loads((member / "pyproject.toml").read_text())["project"]
    assert isinstance(found, dict)
    return found


def declared(member: Path) -> set[str]:
    """The member itself and everything under [project.dependencies]."""
    table = project(member)
    requirements = table.get("dependencies", [])
    assert isinstance(requirements, list)
    names = (re.match(r"[A-Za-z0-9._-]+", requirement) for requirement in requirements)
    return {canonical(name[0]) for name in names if name} | {canonical(str(table["name"]))}


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """(line, most specific dotted name) of each import; the name may end in an attribute of the module."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def owners_of(name: str, owners: Owners, workspace: Mapping[str, str]) -> set[str]:
    """The distributions that ship the longest known prefix of `name`; empty for the standard library."""
    top = name.split(".")[0]
    if top in sys.stdlib_module_names:
        return set()
    if top in workspace:
        return {workspace[top]}
    while name:
        if name in owners:
            return owners[name]
        name = name.rpartition(".")[0]
    return {f"an unknown distribution ({top})"}


def undeclared(member: Path, owners: Owners, workspace: Mapping[str, str]) -> Iterator[str]:
    allowed = declared(member)
    for path in sorted((member / "src").rglob("*.py")):
        for line, name in imports(path):
            ships = owners_of(name, owners, workspace)
            if ships and not ships & allowed:
                yield f"{path.relative_to(ROOT)}:{line}: {name} comes from {' or '.join(sorted(ships))}, not declared"


def main() -> int:
    owners, workspace = module_owners(), workspace_owners()
    said = [line for member in members() for line in undeclared(member, owners, workspace)]
    print("\n".join(said))
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
