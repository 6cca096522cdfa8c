"""The repository speaks of the project alone: no registry hosts, no paths of a machine, no secrets, no foreign locks.

Usage: python -m tools.hygiene
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SIZE_MAX = 1 << 20
GENERATED = "libs/protos/src/"
REFUSED_NAMES = re.compile(r"(^|/)(uv\.lock|package-lock\.json|\.env|id_rsa|.*\.(pem|key|p12|jks))$")
# The brackets keep these patterns from finding themselves.
REFUSED_TEXT = (
    ("registry host", re.compile(r"pythonhosted[.]org|pypi[.]org/simple|registry[.]npmjs|--(extra-)?index-u[r]l")),
    ("path of a machine", re.compile(r"(?<![\w.}*-])/(root|home/\w+|Users/\w+|work)/[\w.]")),
    ("private key", re.compile(r"-----BEGIN [A-Z ]*PRIVATE K[E]Y")),
    ("secret", re.compile(r"\b(sk_live_\w{8}|AKIA[0-9A-Z]{16}|gh[pousr]_\w{30}|xox[abp]-\w{8})")),
)


def files() -> list[str]:
    """Tracked and about to be tracked."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return sorted(name for name in set(listed.split("\0")) if name and (ROOT / name).is_file())


def complaints(name: str) -> Iterator[str]:
    raw = (ROOT / name).read_bytes()
    if REFUSED_NAMES.search(name):
        yield f"{name}: such a file is never committed"
    if len(raw) > SIZE_MAX:
        yield f"{name}: {len(raw) / SIZE_MAX:.1f} MiB, at most 1"
    if b"\0" in raw or name.startswith(GENERATED):
        return
    for number, line in enumerate(raw.decode(errors="replace").splitlines(), start=1):
        for what, pattern in REFUSED_TEXT:
            if pattern.search(line):
                yield f"{name}:{number}: {what}: {line.strip()[:100]}"


def main() -> int:
    said = [line for name in files() for line in complaints(name)]
    print("\n".join(said))
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
