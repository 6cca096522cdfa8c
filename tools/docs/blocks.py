"""Marked parts of Markdown pages that are written by this tool, and nothing else of them.

<!-- generated: events -->
...
<!-- end -->
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

BLOCK = re.compile(r"(<!-- generated: (?P<name>[\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)

Writers = Mapping[str, Callable[[], str]]


class UnknownBlock(Exception):
    """A page asks for a part that nobody writes."""


def filled(page: str, writers: Writers) -> str:
    """The page with every marked part written anew. Raises UnknownBlock."""

    def write(found: re.Match[str]) -> str:
        name = found["name"]
        if name not in writers:
            raise UnknownBlock(f"no part {name!r}; there are: {', '.join(sorted(writers))}")
        return f"{found[1]}{writers[name]()}\n{found[3]}"

    return BLOCK.sub(write, page)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; a bar inside a cell is escaped."""
    cells = [[cell.replace("|", "\\|") or "–" for cell in row] for row in rows]
    lines = [f"| {' | '.join(line)} |" for line in (heads, *cells)]
    return "\n".join([lines[0], "|" + "---|" * len(heads), *lines[1:]])


def code(text: str) -> str:
    """Text as inline code; nothing for nothing."""
    return f"`{text}`" if text else ""
