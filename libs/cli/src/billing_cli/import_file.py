"""A file of items to import, one JSON object a line: read in batches, and where an earlier attempt came to."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from billing_cli.errors import BadArgument
from billing_cli.rest import Json

LINE_BYTES_MAX = 64 * 1024


@dataclass(frozen=True, slots=True)
class Line:
    """`item` is None where the line is no JSON object; `number` counts from 1."""

    number: int
    item: Json | None


@dataclass(slots=True)
class Position:
    """How far an import of this very file has come."""

    fingerprint: str
    line: int = 0
    imported: int = 0
    existing: int = 0
    refused: int = 0


@dataclass(frozen=True)
class ImportFile:
    """A file, its fingerprint (SHA-256) and its number of lines; read once when it is opened."""

    path: Path
    fingerprint: str = field(default="")
    lines: int = 0

    @classmethod
    def opened(cls, path: Path) -> "ImportFile":
        """Raises BadArgument."""
        digest, lines = hashlib.sha256(), 0
        try:
            with path.open("rb") as file:
                for line in file:
                    digest.update(line)
                    lines += 1
        except OSError as error:
            raise BadArgument(f"{path} cannot be read: {error.strerror}") from error
        return cls(path, digest.hexdigest(), lines)

    @property
    def _position_path(self) -> Path:
        return self.path.with_name(f"{self.path.name}.progress")

    @property
    def refused_path(self) -> Path:
        """Where refused lines go, with why."""
        return self.path.with_name(f"{self.path.name}.refused")

    def position(self) -> Position:
        """Where an attempt on the same content stopped; the beginning without one."""
        try:
            kept = Position(**json.loads(self._position_path.read_text()))
        except (OSError, ValueError, TypeError):
            return Position(self.fingerprint)
        return kept if kept.fingerprint == self.fingerprint else Position(self.fingerprint)

    def keep(self, position: Position) -> None:
        """Whole or not at all, also when the process is killed."""
        fresh = self._position_path.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(position)))
        fresh.replace(self._position_path)

    def forget(self) -> None:
        """The import is over."""
        self._position_path.unlink(missing_ok=True)

    def batches(self, behind: int, size: int) -> Iterator[list[Line]]:
        """Lines behind line `behind`, at most `size` at a time; blank ones are passed over."""
        batch: list[Line] = []
        with self.path.open("rb") as file:
            for number, raw in enumerate(file, 1):
                if number > behind and raw.strip():
                    batch.append(Line(number, _item(raw)))
                if len(batch) == size:
                    yield batch
                    batch = []
        if batch:
            yield batch


def _item(raw: bytes) -> Json | None:
    if len(raw) > LINE_BYTES_MAX:
        return None
    try:
        found = json.loads(raw)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
