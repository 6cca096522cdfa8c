"""Format Python and protos and apply ruff's safe fixes.  Usage: python -m tools.fmt"""

import subprocess
import sys
from pathlib import Path

from tools.gen_protos import ROOT, stage_third_party

BIN = Path(sys.executable).parent
COMMANDS = (
    ("ruff", "check", "--fix", "--quiet", "."),
    ("ruff", "format", "."),
    ("buf", "format", "--write", "protos"),
)


def main() -> int:
    stage_third_party()
    return max(subprocess.run([BIN / name, *rest], cwd=ROOT, check=False).returncode for name, *rest in COMMANDS)


if __name__ == "__main__":
    sys.exit(main())
