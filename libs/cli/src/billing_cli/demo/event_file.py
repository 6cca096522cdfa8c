"""The event file: CloudEvents in the JSON batch format, made by tools/usage_events.py, read back for two purposes:
to be sent as it is, and to be counted independently of the mesh."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from billing_cli.demo.cast import MONTHS, Customer
from billing_cli.demo.months import Calendar
from billing_cli.errors import CliError

TOOL = Path("tools") / "usage_events.py"
BATCH = 1000
MEDIA_TYPE = "application/cloudevents-batch+json"
SUBJECT = "customer/"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One line of the file: the event as text, when it is delivered, and what counts about it."""

    text: str
    source: str
    id: str
    customer: str
    at: datetime
    recorded_at: datetime
    value: int

    @property
    def identity(self) -> tuple[str, str]:
        return (self.source, self.id)


def make(path: Path, calendar: Calendar, customers: Sequence[Customer], events: int, seed: int) -> None:
    """Runs the tool. Raises CliError when it cannot be found or fails."""
    tool = _tool()
    argv = [sys.executable, str(tool), "--start", calendar.first.strftime("%Y-%m"), "--months", str(MONTHS)]
    argv += ["--events", str(events), "--seed", str(seed), "--out", str(path)]
    for each in customers:
        argv += ["--customer", f"{each.external_id},{each.zone},{each.share},{each.calls_max}"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CliError(f"{TOOL} failed", done.stderr.strip())


def read(path: Path) -> list[Delivery]:
    """The deliveries in their order. Raises CliError for a file that holds something else."""
    try:
        return [_delivery(event) for event in json.loads(path.read_text())]
    except OSError as error:
        raise CliError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise CliError(f"{path} is no file of tools/usage_events.py") from error


def batches(deliveries: Sequence[Delivery], size: int = BATCH) -> Iterator[list[Delivery]]:
    """At most `size` at a time."""
    rest = iter(deliveries)
    while batch := list(islice(rest, size)):
        yield batch


def body(batch: Sequence[Delivery]) -> bytes:
    """A batch as it is sent."""
    return ("[" + ",\n".join(delivery.text for delivery in batch) + "]").encode()


def _delivery(event: dict[str, Any]) -> Delivery:
    value = event["data"]["value"]
    if type(value) is not int:
        raise TypeError("values of the demo are whole")
    return Delivery(
        text=json.dumps(event, separators=(",", ":")),
        source=event["source"],
        id=event["id"],
        customer=event["subject"].removeprefix(SUBJECT),
        at=datetime.fromisoformat(event["time"]),
        recorded_at=datetime.fromisoformat(event["recordedtime"]),
        value=value,
    )


def _tool() -> Path:
    """The tool of the repository that this command runs in or from."""
    for folder in (Path.cwd(), *Path.cwd().parents, *Path(__file__).resolve().parents):
        if (folder / TOOL).is_file():
            return folder / TOOL
    raise CliError(f"{TOOL} is not here", "run the demo inside the repository, or name a file: --events FILE")
