"""Make .venv complete: uv, the locked third parties, the members of the workspace. Standard library only.

Usage: python3 tools/bootstrap.py     run by every make target; says nothing and takes no time when all is in place
"""

import fcntl
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin/python"
STAMP = VENV / "billing.json"  # written last: a venv without it was interrupted and is made anew
LOCK = ROOT / "requirements.lock"

Stamp = dict[str, str]


def members() -> list[Path]:
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["uv"]["workspace"]["members"]
    return sorted(found.parent for pattern in patterns for found in ROOT.glob(f"{pattern}/pyproject.toml"))


def digest(files: Sequence[Path]) -> str:
    joined = b"\0".join(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() for path in files)
    return hashlib.sha256(joined).hexdigest()


def wanted() -> Stamp:
    """What a complete venv was made from; it can neither move nor change its interpreter."""
    return {
        "place": str(ROOT),
        "python": f"{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}",
        "interpreter": os.path.realpath(getattr(sys, "_base_executable", sys.executable)),
        "lock": digest([LOCK]),
        "members": digest([folder / "pyproject.toml" for folder in members()]),
    }


def present() -> Stamp:
    """The stamp of the venv, or {} when there is none that works."""
    try:
        stamp: Stamp = json.loads(STAMP.read_text())
        subprocess.run([PYTHON, "-c", ""], check=True, capture_output=True)
    except (OSError, ValueError, subprocess.CalledProcessError):
        return {}
    return stamp


def environment() -> dict[str, str]:
    """Our own settings for uv; its cache moves into the checkout when there is no home to write to."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "PYTHONPATH")}
    kept |= {"UV_PYTHON_DOWNLOADS": "never", "UV_NO_CONFIG": "1", "VIRTUAL_ENV": str(VENV)}
    kept.setdefault("UV_HTTP_TIMEOUT", "180")
    if not os.access(Path.home(), os.W_OK):
        kept.setdefault("UV_CACHE_DIR", str(ROOT / ".billing/cache/uv"))
    return kept


def run(command: Sequence[str | Path]) -> None:
    try:
        subprocess.run(command, cwd=ROOT, env=environment(), check=True)
    except subprocess.CalledProcessError:
        sys.exit(f"bootstrap: {' '.join(map(str, command[:4]))} ... failed; the lines above say why")


def uv(*arguments: str | Path) -> None:
    run([VENV / "bin/uv", "pip", *arguments, "--quiet", "--python", PYTHON])


def create_venv() -> None:
    """An empty venv without pip: distributions that split ensurepip off work too."""
    shutil.rmtree(VENV, ignore_errors=True)
    alone = importlib.util.find_spec("pip") is None
    run([sys.executable, "-m", "venv", *([] if alone else ["--without-pip"]), VENV])
    installer: list[str | Path] = [sys.executable, "-m", "pip", "--python", PYTHON]
    if alone:
        installer = [PYTHON, "-m", "pip"]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as pins:
        pins.write(pin_of_uv(LOCK.read_text()))
        pins.flush()
        run([*installer, "install", "--quiet", "--no-deps", "--require-hashes", "--requirement", pins.name])


def pin_of_uv(lock: str) -> str:
    found = re.search(r"^uv==.*(?:\n .*)*", lock, re.MULTILINE)
    assert found is not None, "requirements.lock does not pin uv"
    return found[0] + "\n"


def install_members() -> None:
    editables = [argument for folder in members() for argument in ("--editable", f"./{folder.relative_to(ROOT)}")]
    uv("install", "--no-deps", "--no-build-isolation", *editables)


def complete(before: Mapping[str, str], after: Stamp) -> None:
    """Do only what changed; the stamp is away while the venv is in between."""
    STAMP.unlink(missing_ok=True)
    if any(before.get(name) != after[name] for name in ("place", "python", "interpreter")):
        say(f"creating .venv with Python {after['python']}")
        create_venv()
        before = {}
    if before.get("lock") != after["lock"]:
        say("installing the locked packages (the first time takes a minute or two)")
        uv("sync", "--require-hashes", LOCK)
        before = {}
    if before.get("members") != after["members"]:
        say(f"installing the {len(members())} members of the workspace")
        install_members()
    STAMP.write_text(json.dumps(after, indent=1) + "\n")


def say(line: str) -> None:
    print(f"· {line}", file=sys.stderr, flush=True)


def main() -> None:
    (ROOT / ".billing").mkdir(exist_ok=True)
    with (ROOT / ".billing/bootstrap.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)  # two makes at once: the second waits, then finds all done
        before, after = present(), wanted()
        if before != after:
            complete(before, after)


if __name__ == "__main__":
    main()
