"""Options that several commands share."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from billing_cli.errors import BadArgument

Dir = Annotated[Path, typer.Option("--dir", help="The stack's folder.")]
Tenant = Annotated[
    str | None,
    typer.Option("--tenant", envvar="BILLING_TENANT", help="Tenant UUID; default: the last one that was created."),
]


def instant_of(text: str) -> datetime:
    """An RFC 3339 instant, or a date, which is midnight UTC. Raises BadArgument."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadArgument(f"{text!r} is no time", "such as 2025-09-01 or 2025-09-01T00:00:00Z") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def rfc3339(instant: datetime) -> str:
    """As the API takes it."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
