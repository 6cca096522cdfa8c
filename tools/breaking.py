"""Compare protos/ with the published contract: nothing that is on the wire or in JSON may break.

Usage: python -m tools.breaking     the base is $BASE_REF, else origin/main, else main
"""

import io
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from tools.gen_protos import ROOT, THIRD_PARTY, stage_third_party

BUF = Path(sys.executable).parent / "buf"


def git(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False)


def base() -> str | None:
    """The newest commit that counts as published, or None when it has no protos yet."""
    candidates = [os.environ["BASE_REF"]] if os.environ.get("BASE_REF") else ["origin/main", "main"]
    known = (ref for ref in candidates if git("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}").returncode == 0)
    ref = next(known, None)
    if ref is None or not git("ls-tree", "-r", "--name-only", ref, "--", "protos").stdout.strip():
        return None
    return ref


def unpack(ref: str, folder: Path) -> None:
    """The protos of `ref` beside today's third-party ones, as a buf workspace: the base has none of its own."""
    archive = git("archive", ref, "--", "protos")
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
        tar.extractall(folder, filter="data")
    (folder / "buf.yaml").write_bytes((ROOT / "buf.yaml").read_bytes())
    third_party = folder / THIRD_PARTY.relative_to(ROOT)
    third_party.parent.mkdir(parents=True)
    third_party.symlink_to(THIRD_PARTY)


def main() -> int:
    stage_third_party()
    ref = base()
    if ref is None:
        print("nothing published yet: nothing can break")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        unpack(ref, Path(folder))
        return subprocess.run([BUF, "breaking", "--against", folder], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
