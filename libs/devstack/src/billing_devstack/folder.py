"""Folders and files that the stack owns: locks, secrets, atomic writes."""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from pathlib import Path
from typing import Self

from billing_devstack.errors import FolderInUse

POLL_S = 0.05


class FolderLock:
    """An exclusive lock on a folder, held until `release()` or the end of this process (kill -9 included)."""

    def __init__(self, folder: Path, *, wait_s: float = 0.0) -> None:
        """Raises FolderInUse when another living process still holds it after `wait_s`."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        self.path = folder.with_name(folder.name + ".lock")
        self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + wait_s
        while not self._taken():
            if time.monotonic() >= deadline:
                self.release()
                raise FolderInUse(f"{folder} is in use by another process")
            time.sleep(POLL_S)

    def _taken(self) -> bool:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    @property
    def held(self) -> bool:
        return self._descriptor >= 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.release()

    def release(self) -> None:
        if self.held:
            os.close(self._descriptor)
            self._descriptor = -1


def secret(folder: Path, name: str) -> str:
    """The secret of this name, made at first use: 192 random bits, URL-safe, in a file of mode 0600."""
    path = folder / name
    if not path.exists():
        write_private(path, secrets.token_urlsafe(24).encode())
    return path.read_text().strip()


def write_private(path: Path, content: bytes) -> None:
    """Writes a whole file of mode 0600, or nothing. The folder is made with mode 0700 when it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    fresh.replace(path)
