"""The jars of Apache Kafka: pinned by coordinate, size and SHA-256, fetched once by a Maven client, kept in a cache."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from billing_devstack.errors import StackError
from billing_devstack.folder import FolderLock

KAFKA_VERSION = "4.4.0"
LIST_NAME = "kafka_jars.sha256"
LIST_HEAD = "# Apache Kafka {} and a log binding: sha256, bytes, coordinate; by python -m billing_devstack.kafka_jars"
ROOTS = (f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}", "org.apache.logging.log4j:log4j-slf4j-impl:2.25.5")
DOWNLOADS_AT_ONCE = 4
OTHERS_S = 300.0
REQUEST_S = 30

Progress = Callable[[int, int], None]
"""Called from several threads with (bytes that came, bytes in all)."""


class JarsMissing(StackError):
    """The jars cannot be fetched or are not those of the committed list."""


@dataclass(frozen=True, slots=True)
class Jar:
    """One pinned artifact; `coordinate` is group:artifact:version."""

    sha256: str
    size: int
    coordinate: str

    @property
    def file_name(self) -> str:
        _, artifact, version = self.coordinate.split(":")
        return f"{artifact}-{version}.jar"

    def is_at(self, path: Path) -> bool:
        """True when the file is there and is this jar to the byte."""
        if not path.is_file() or path.stat().st_size != self.size:
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == self.sha256


def cache_folder() -> Path:
    """Where jars and caches of this Kafka version live: under $BILLING_CACHE, else under ~/.cache/billing."""
    root = os.environ.get("BILLING_CACHE")
    return (Path(root) if root else Path.home() / ".cache" / "billing") / f"kafka-{KAFKA_VERSION}"


def pinned() -> list[Jar]:
    """The committed list, sorted by file name."""
    lines = (files("billing_devstack") / LIST_NAME).read_text().splitlines()
    jars = [Jar(sha, int(size), coordinate) for sha, size, coordinate in map(str.split, lines[1:])]
    return sorted(jars, key=lambda jar: jar.file_name)


def ensure(cache: Path, on_progress: Progress | None = None) -> list[Path]:
    """Paths of all jars, in class path order, each checked; what is missing or broken is fetched. Safe to run at once.

    Raises JarsMissing.
    """
    folder = cache / "libs"
    folder.mkdir(parents=True, exist_ok=True)
    with FolderLock(folder, wait_s=OTHERS_S):
        missing = [jar for jar in pinned() if not jar.is_at(folder / jar.file_name)]
        if missing:
            _fetch_all(missing, folder, on_progress or (lambda done, total: None))
    return [folder / jar.file_name for jar in pinned()]


def _fetch_all(jars: Sequence[Jar], folder: Path, on_progress: Progress) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent) as staging:
        context = _maven(Path(staging), _counter(sum(jar.size for jar in jars), on_progress))
        with ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
            list(pool.map(lambda jar: _fetch(context, jar, folder), jars))


def _fetch(context: Any, jar: Jar, folder: Path) -> None:
    try:
        fetched = context.create_dependency(jar.coordinate).artifact.resolve()
    except Exception as error:  # the Maven client raises RuntimeError, requests' errors and OSError alike
        raise JarsMissing(f"{jar.coordinate} cannot be fetched ({type(error).__name__})") from error
    if not jar.is_at(fetched):
        raise JarsMissing(f"{jar.coordinate} is not the file of the committed list")
    shutil.move(fetched, folder / jar.file_name)


def _maven(repository: Path, progress: Any = None) -> Any:
    """A Maven client with a local repository of its own."""
    from jgo.maven import MavenContext, PythonResolver  # 0.5 s to import, needed once

    return MavenContext(PythonResolver(progress_callback=progress), repo_cache=repository, timeout=REQUEST_S)


def _counter(total: int, on_progress: Progress) -> Any:
    """The Maven client's progress protocol, summed over all files."""
    lock = threading.Lock()
    done = 0

    @contextmanager
    def file(_name: str, _size: int) -> Iterator[Callable[[int], None]]:
        def add(count: int) -> None:
            nonlocal done
            with lock:
                done += count
                on_progress(done, total)

        yield add

    return file


def resolve() -> str:
    """The list afresh, by resolving Kafka's own dependencies. For whoever raises the version, who reviews the change.

    The log binding is resolved alone: in one call its parent's versions would override Kafka's.
    """
    with tempfile.TemporaryDirectory() as staging:
        context = _maven(Path(staging))
        kafka, binding = (context.create_dependency(root) for root in ROOTS)
        inputs, transitive = context.resolver.resolve([kafka])
        rows = [_row(dependency) for dependency in (*inputs, *transitive, binding)]
    return "\n".join([LIST_HEAD.format(KAFKA_VERSION), *sorted(rows, key=lambda row: row.split()[2])]) + "\n"


def _row(dependency: Any) -> str:
    content = Path(dependency.artifact.resolve()).read_bytes()
    coordinate = f"{dependency.groupId}:{dependency.artifactId}:{dependency.version}"
    return f"{hashlib.sha256(content).hexdigest()} {len(content)} {coordinate}"


if __name__ == "__main__":
    Path(str(files("billing_devstack") / LIST_NAME)).write_text(resolve())
