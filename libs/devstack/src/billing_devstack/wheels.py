"""Files that lie in the wheels of other projects, found without importing them (some pull in a lot)."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from billing_devstack.errors import NotSupported


def find(package: str, pattern: str) -> Path:
    """The one file of an installed package that matches a glob. Raises NotSupported when it is not there."""
    spec = find_spec(package)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for path in sorted(Path(folder).glob(pattern)):
            return path
    raise NotSupported(f"the package {package} has no {pattern} for this machine")
