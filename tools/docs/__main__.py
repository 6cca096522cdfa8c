"""Write the generated tables of docs/: events, reasons, settings.

Usage: python -m tools.docs [--check]     --check changes nothing and fails when a page is stale
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from tools.docs import errors, events, life, settings
from tools.docs.blocks import UnknownBlock, Writers, filled
from tools.gen_protos import ROOT

WRITERS: Writers = {
    "events": events.text,
    "refusals": errors.refusals,
    "items": errors.items,
    "edge": errors.edge,
    "change-matrix": life.change_matrix,
    "state-table": life.state_table,
    **settings.writers(),
}
FAULTS = (UnknownBlock, events.Unsaid, errors.Unnamed, settings.Disagreement)


def changed() -> Iterator[tuple[Path, str]]:
    """Pages that are not what they should be, with what they should be."""
    for path in sorted((ROOT / "docs").glob("*.md")):
        page = path.read_text()
        wanted = filled(page, WRITERS)
        if wanted != page:
            yield path, wanted


def main(arguments: list[str]) -> int:
    try:
        stale = list(changed())
    except FAULTS as fault:
        print(fault)
        return 1
    if "--check" in arguments:
        print("".join(f"{path.relative_to(ROOT)} is stale: make docs\n" for path, _ in stale), end="")
        return 1 if stale else 0
    for path, wanted in stale:
        path.write_text(wanted)
        print(f"{path.relative_to(ROOT)} written")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
