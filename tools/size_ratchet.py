"""Hold the limits: a function has at most 60 lines, a file at most 300. Known exceptions may only shrink.

Usage: python -m tools.size_ratchet [--update]     --update lowers and removes exceptions, it never adds one
"""

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FUNCTION_LINES = 60
FILE_LINES = 300
EXCEPTIONS = "tools/size_ratchet.txt"
HEADER = "# lines  what    Known exceptions to the size limits of tools/size_ratchet.py; this list may only shrink.\n"

Sizes = dict[str, int]


def files() -> list[Path]:
    """All Python written by hand, tracked or about to be."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    names = (name for name in listed.stdout.splitlines() if not name.startswith("libs/protos/src/"))
    return [ROOT / name for name in sorted(set(names)) if (ROOT / name).exists()]


def functions(node: ast.AST, prefix: str = "") -> Iterator[tuple[str, int]]:
    """(qualified name, lines) of every function below `node`, the signature and docstring counted."""
    for child in ast.iter_child_nodes(node):
        inner = prefix
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inner = f"{prefix}{child.name}."
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix + child.name, (child.end_lineno or child.lineno) - child.lineno + 1
        yield from functions(child, inner)


def too_long(path: Path) -> Iterator[tuple[str, int]]:
    text = path.read_text()
    name = str(path.relative_to(ROOT))
    if (lines := text.count("\n")) > FILE_LINES:
        yield name, lines
    for function, lines in functions(ast.parse(text)):
        if lines > FUNCTION_LINES:
            yield f"{name}:{function}", lines


def parse(text: str) -> Sizes:
    lines = (line.split(maxsplit=1) for line in text.splitlines() if line.strip() and not line.startswith("#"))
    return {name: int(count) for count, name in lines}


def published() -> Sizes | None:
    """The exceptions that main already has; None when it has no list yet."""
    for ref in ("origin/main", "main"):
        shown = subprocess.run(["git", "show", f"{ref}:{EXCEPTIONS}"], cwd=ROOT, capture_output=True, check=False)
        if shown.returncode == 0:
            return parse(shown.stdout.decode())
    return None


def complaints(found: Mapping[str, int], allowed: Mapping[str, int], before: Mapping[str, int] | None) -> Iterator[str]:
    for name, lines in sorted(found.items()):
        limit = FUNCTION_LINES if ":" in name else FILE_LINES
        if lines > allowed.get(name, limit):
            yield f"{name}: {lines} lines, at most {allowed.get(name, limit)}"
    for name, lines in sorted(allowed.items()):
        if found.get(name, 0) < lines:
            yield f"{EXCEPTIONS}: {name} is shorter now (python -m tools.size_ratchet --update)"
        if before is not None and lines > before.get(name, 0):
            yield f"{EXCEPTIONS}: {name} was added or raised, the list may only shrink"


def update(found: Mapping[str, int], allowed: Mapping[str, int]) -> None:
    kept = {name: min(lines, found[name]) for name, lines in allowed.items() if name in found}
    rows = "".join(f"{lines:7d}  {name}\n" for name, lines in sorted(kept.items()))
    (ROOT / EXCEPTIONS).write_text(HEADER + rows)


def main(arguments: Sequence[str]) -> int:
    found = {name: lines for path in files() for name, lines in too_long(path)}
    allowed = parse((ROOT / EXCEPTIONS).read_text())
    if "--update" in arguments:
        update(found, allowed)
        return 0
    said = list(complaints(found, allowed, published()))
    print("\n".join(said))
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
