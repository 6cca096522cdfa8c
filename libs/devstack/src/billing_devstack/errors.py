"""What the embedded stack refuses, as types whose text tells a person what to do next."""

from __future__ import annotations

from pathlib import Path


class StackError(Exception):
    """Something of the embedded stack cannot start, run or stop. The text is meant for a person."""


class StartFailed(StackError):
    """A part ended or stayed silent before it was ready. `log` names the file that says why."""

    def __init__(self, part: str, why: str, log: Path | None = None) -> None:
        hint = f"; see {log}" if log else ""
        super().__init__(f"{part} did not start: {why}{hint}")
        self.part = part
        self.log = log


class FolderInUse(StackError):
    """Another living process holds this data folder."""


class NotSupported(StackError):
    """This machine lacks something that a part needs."""
