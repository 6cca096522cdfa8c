"""Resolve requirements.in into requirements.lock: pinned, hashed, for every platform, naming no address.

Usage: python -m tools.lock [--upgrade | --upgrade-package NAME]
"""

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
UV = Path(sys.executable).parent / "uv"
OPTIONS = (
    "--generate-hashes",
    "--no-header",
    "--no-annotate",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--universal",
)
PIN = re.compile(r"[A-Za-z0-9._-]+==\S+( ; [^\\]+)?( \\)?|    --hash=sha256:[0-9a-f]{64}( \\)?")


def foreign(lock: str) -> list[str]:
    """The lines that are neither a pin nor a hash, such as addresses."""
    return [line for line in lock.splitlines() if not PIN.fullmatch(line)]


def main(arguments: Sequence[str]) -> int:
    target = ROOT / "requirements.lock"
    fresh = target.with_suffix(".lock.new")
    fresh.write_text(target.read_text() if target.exists() else "")  # uv keeps the pins that still fit
    command = [str(UV), "pip", "compile", "--quiet", *OPTIONS, "--python-version", "3.11", *arguments]
    try:
        subprocess.run(
            [*command, "requirements.in", "--output-file", fresh], cwd=ROOT, check=True, stdout=subprocess.DEVNULL
        )
        if refused := foreign(fresh.read_text()):
            sys.exit("refused, requirements.lock stays as it was:\n" + "\n".join(refused))
        fresh.replace(target)
    finally:
        fresh.unlink(missing_ok=True)
    pins = [line for line in target.read_text().splitlines() if not line.startswith(" ")]
    print(f"{target.name}: {len(pins)} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
