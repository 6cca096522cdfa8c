"""Reading events to be rated: one statement for any number of items, each through the index of (meter, subject, time).

A statement is one snapshot, which is answered too: it says for ever which events were counted. Every item asked has a
row, so that the snapshot is that of the reading even where there is nothing to read.
"""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Any
from uuid import UUID

from billing_runtime.transaction import Transaction
from psycopg import AsyncServerCursor

from billing_usage.domain.measuring import NOTHING, SingleEvent, Totals, Values
from billing_usage.operations.ports import CellCount, CellsCounted, Count, Counted, EventRead, EventsRead

DIMENSIONS_MAX = 3
FETCHED = 2000  # rows of a page of single events
CURSOR = "single_events"

_COUNT = """SELECT span.ord, sum(found.events)::bigint, sum(found.total), max(found.largest),
    pg_current_snapshot()::text
FROM unnest(%b::int[], %b::uuid[], %b::text[], %b::timestamptz[], %b::timestamptz[])
    AS span(ord, meter_id, subject, since, until)
CROSS JOIN LATERAL (
    SELECT count(*) AS events, sum(e.value) AS total, max(e.value) AS largest
    FROM event e
    WHERE e.tenant_id = %s AND e.meter_id = span.meter_id AND e.subject = span.subject
      AND e.at >= span.since AND e.at < span.until
) found
GROUP BY span.ord"""
# Values that no cell names are one: `known` has an object of names a dimension.
_CELLS = """SELECT ord, one, two, three, sum(events)::bigint, sum(total), max(largest), pg_current_snapshot()::text
FROM (
    SELECT span.ord, found.events, found.total, found.largest,
        CASE WHEN span.known -> 0 ? found.one THEN found.one END AS one,
        CASE WHEN span.known -> 1 ? found.two THEN found.two END AS two,
        CASE WHEN span.known -> 2 ? found.three THEN found.three END AS three
    FROM unnest(%b::int[], %b::uuid[], %b::text[], %b::timestamptz[], %b::timestamptz[], %b::text[], %b::text[],
        %b::text[], %b::text[]::jsonb[]) AS span(ord, meter_id, subject, since, until, one, two, three, known)
    LEFT JOIN LATERAL (
        SELECT e.properties ->> span.one AS one, e.properties ->> span.two AS two, e.properties ->> span.three AS three,
            count(*) AS events, sum(e.value) AS total, max(e.value) AS largest
        FROM event e
        WHERE e.tenant_id = %s AND e.meter_id = span.meter_id AND e.subject = span.subject
          AND e.at >= span.since AND e.at < span.until
        GROUP BY 1, 2, 3
    ) found ON true
) AS cells
GROUP BY ord, one, two, three"""
_EVENTS = """SELECT span.ord, found.at, found.value, CASE WHEN span.named THEN found.properties END,
    (SELECT pg_current_snapshot()::text)
FROM unnest(%b::int[], %b::uuid[], %b::text[], %b::timestamptz[], %b::timestamptz[], %b::bool[])
    AS span(ord, meter_id, subject, since, until, named)
LEFT JOIN LATERAL (
    SELECT e.at, e.source, e.id, e.value, e.properties
    FROM event e
    WHERE e.tenant_id = %s AND e.meter_id = span.meter_id AND e.subject = span.subject
      AND e.at >= span.since AND e.at < span.until
    ORDER BY e.at, e.source, e.id
    LIMIT %s
) found ON true
ORDER BY span.ord, found.at, found.source, found.id"""

_Span = tuple[int, UUID, str, datetime, datetime]
_Row = tuple[Any, ...]


class PostgresEventReads:
    """The port EventReads, one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def count(self, counts: Sequence[Count]) -> Counted:
        """Totals in request order."""
        totals = [NOTHING] * len(counts)
        spans = _spans(counts)
        rows = await self._rows(_COUNT, spans) if spans else []
        for index, events, total, largest, _ in rows:
            if events:
                totals[index] = Totals(events, Fraction(total), Fraction(largest))
        return Counted(totals, rows[0][-1] if rows else "")

    async def cells(self, counts: Sequence[CellCount]) -> CellsCounted:
        """Totals by dimension values in request order."""
        found: list[dict[Values, Totals]] = [{} for _ in counts]
        spans = [(*span, *_dimensions(counts[span[0]])) for span in _spans([each.count for each in counts])]
        rows = await self._rows(_CELLS, spans) if spans else []
        for index, *values, events, total, largest, _ in rows:
            if events:
                key = tuple(values[: len(counts[index].dimensions)])
                found[index][key] = Totals(events, Fraction(total), Fraction(largest))
        return CellsCounted(found, rows[0][-1] if rows else "")

    async def events(self, reads: Sequence[EventRead], limit: int) -> AsyncIterator[EventsRead]:
        """The first `limit` single events of each, in request order."""
        named = [bool(read.properties) for read in reads]
        spans = [(*span, named[span[0]]) for span in _spans([read.count for read in reads])]
        answered = 0
        async for index, rows in self._items(spans, limit):
            for _ in range(answered, index):
                yield EventsRead((), "")
            yield EventsRead(_singles(rows[:limit], reads[index].properties), rows[0][-1])
            answered = index + 1
        for _ in range(answered, len(reads)):
            yield EventsRead((), "")

    async def _items(self, spans: Sequence[tuple[Any, ...]], limit: int) -> AsyncIterator[tuple[int, list[_Row]]]:
        """The rows of each item that has a span; a cursor of the server holds the rest."""
        if not spans:
            return
        arguments = (*_columns(spans), self._tx.tenant_id, limit)
        rows: list[_Row] = []
        async with AsyncServerCursor(self._tx.raw, CURSOR) as cursor:
            cursor.itersize = FETCHED
            async for row in await cursor.execute(_EVENTS, arguments):
                if rows and rows[0][0] != row[0]:
                    yield rows[0][0], rows
                    rows = []
                rows.append(row)
        yield rows[0][0], rows

    async def _rows(self, query: str, spans: Sequence[tuple[Any, ...]]) -> list[_Row]:
        arguments = (*_columns(spans), self._tx.tenant_id)
        return await (await self._tx.raw.execute(query, arguments)).fetchall()


def _spans(counts: Sequence[Count]) -> list[_Span]:
    """What each subject of each item may have named, in request order."""
    return [
        (index, count.meter_id, subject.text, since, until)
        for index, count in enumerate(counts)
        for subject in count.subjects
        if (since := max(subject.since, count.period.start)) < (until := min(subject.until, count.period.end))
    ]


def _columns(spans: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*spans, strict=True)]


def _dimensions(count: CellCount) -> tuple[str | None, str | None, str | None, str]:
    """The names of three dimensions, and their values that mean anything."""
    names = [*count.dimensions, *[None] * (DIMENSIONS_MAX - len(count.dimensions))]
    return names[0], names[1], names[2], json.dumps([dict.fromkeys(values, 0) for values in count.known])


def _singles(rows: Sequence[_Row], names: Sequence[str]) -> Sequence[SingleEvent]:
    """A subject without events has a row of nulls, behind those of the others."""
    return [SingleEvent(at, Fraction(value), _named(found, names)) for _, at, value, found, _ in rows if at is not None]


def _named(properties: Mapping[str, str] | None, names: Sequence[str]) -> Mapping[str, str]:
    return {name: properties[name] for name in names if name in properties} if properties else {}
