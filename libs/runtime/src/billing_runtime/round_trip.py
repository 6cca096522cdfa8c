"""Statements that travel together: one round trip, prepared once a connection, below psycopg's cursors.

A call to PostgreSQL costs this process more than it costs PostgreSQL, so the few statements that every call sends go
this way. Values, types and errors are those of psycopg; each statement sees what the ones before it have done, as it
would by itself.
"""

import re
from collections.abc import Generator, Sequence
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg import adapt, errors, generators, pq
from psycopg._preparing import PrepareManager
from psycopg.abc import Transformer
from psycopg.adapt import PyFormat
from psycopg.waiting import Ready, Wait

Raw = psycopg.AsyncConnection[Any]
Command = tuple[str, Sequence[Any]]  # a statement with %s for each of its arguments
Rows = list[dict[str, Any]]

PREPARED_MAX = 400  # statements that one connection keeps; psycopg's own limit is made for fewer
_PLACE = re.compile(r"%[%sb]")
_FORMATS = [PyFormat.AUTO] * 200
_TRANSFORMERS: "WeakKeyDictionary[Raw, Transformer]" = WeakKeyDictionary()

Key = tuple[bytes, tuple[int, ...]]  # a statement by its text and the types of its arguments


async def together(raw: Raw, commands: Sequence[Command]) -> list[Rows]:
    """The rows of each command. At the first error the rest is not run and the error is raised."""
    async with raw.lock:
        return await raw.wait(_exchange(raw, commands))


def _exchange(raw: Raw, commands: Sequence[Command]) -> Generator[Any, Any, list[Rows]]:
    """Statements are entered among those that psycopg has prepared: it drops them all after some commands (ROLLBACK,
    ALTER), and then they are to be prepared again.

    An error of the connection leaves it in pipeline mode; whoever gives it back to the pool drops it then.
    """
    transformer = _TRANSFORMERS.get(raw)
    if transformer is None:
        transformer = _TRANSFORMERS[raw] = adapt.Transformer(raw)
        raw.prepared_max = PREPARED_MAX
    prepared, pgconn = raw._prepared, raw.pgconn
    yield from prepared.maintain_gen(raw)
    pgconn.enter_pipeline_mode()
    sent = _send(pgconn, transformer, prepared, commands)
    pgconn.pipeline_sync()
    while pgconn.flush():
        if (yield Wait.RW) & Ready.R:
            pgconn.consume_input()
    results: list[pq.abc.PGresult] = []
    while True:
        found = yield from generators.fetch_many(pgconn)
        if found and found[0].status == pq.ExecStatus.PIPELINE_SYNC:
            break
        results += found
    pgconn.exit_pipeline_mode()
    return _read(transformer, prepared, sent, results)


_Sent = list[tuple[Key, bytes] | None]  # a statement that is being prepared, with its name; None for a command


def _send(pgconn: Any, transformer: Transformer, prepared: PrepareManager, commands: Sequence[Command]) -> _Sent:
    sent: _Sent = []
    new: dict[Key, bytes] = {}
    for text, arguments in commands:
        query = _numbered(text)
        values = transformer.dump_sequence(arguments, _FORMATS[: len(arguments)])
        types = tuple(transformer.types or ())
        key = (query, types)
        name = prepared._names.get(key) or new.get(key)
        if name is None:
            name = new[key] = f"_pg3_{prepared._prepared_idx}".encode()
            prepared._prepared_idx += 1
            pgconn.send_prepare(name, query, param_types=types)
            sent.append((key, name))
        pgconn.send_query_prepared(name, values, param_formats=transformer.formats)
        sent.append(None)
    return sent


def _read(
    transformer: Transformer, prepared: PrepareManager, sent: _Sent, results: Sequence[pq.abc.PGresult]
) -> list[Rows]:
    found: list[Rows] = []
    for entered, result in zip(sent, results, strict=True):
        if result.status not in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
            raise errors.error_from_result(result)
        if entered is None:
            found.append(_rows(transformer, result))
        else:
            prepared._names[entered[0]] = entered[1]
            prepared._rotate()
    return found


def _rows(transformer: Transformer, result: pq.abc.PGresult) -> Rows:
    if not result.ntuples:
        return []
    transformer.set_pgresult(result)
    names = [(result.fname(column) or b"").decode() for column in range(result.nfields)]
    return transformer.load_rows(0, result.ntuples, lambda values: dict(zip(names, values, strict=True)))


@lru_cache(maxsize=1024)
def _numbered(text: str) -> bytes:
    """%s as $1, $2 ..., as PostgreSQL itself wants them."""
    place = 0

    def number(found: re.Match[str]) -> str:
        nonlocal place
        if found.group() == "%%":
            return "%"
        place += 1
        return f"${place}"

    return _PLACE.sub(number, text).encode()
