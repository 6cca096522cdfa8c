"""Where the stack keeps what it owns: everything under one folder, `.billing` by default."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths under the root; nothing is made by asking."""

    root: Path

    @property
    def state(self) -> Path:
        return self.root / "state.json"

    @property
    def run(self) -> Path:
        """One record per living child: what the next start ends if this one is killed."""
        return self.root / "run"

    @property
    def secrets(self) -> Path:
        return self.root / "secrets"

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def valkey(self) -> Path:
        return self.root / "valkey"

    @property
    def kafka(self) -> Path:
        return self.root / "kafka"

    @property
    def blobs(self) -> Path:
        return self.root / "blobs"

    @property
    def edge(self) -> Path:
        """The rendered configuration of the edge."""
        return self.root / "edge"

    def log(self, part: str) -> Path:
        return self.root / "logs" / f"{part}.log"
