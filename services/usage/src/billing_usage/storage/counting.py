"""Adding up events: one statement for any number of items, each read through the index of (meter, subject, time)."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from billing_runtime.transaction import Transaction

from billing_usage.domain.rating import Totals
from billing_usage.operations.ports import Count, Counted

NOTHING = Totals(0, Fraction(0), Fraction(0))

# All of it is one snapshot, which is answered too: it says for ever which events were counted.
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


async def count_events(tx: Transaction, counts: Sequence[Count]) -> Counted:
    """Totals in request order."""
    spans = [
        (index, count.meter_id, subject.text, since, until)
        for index, count in enumerate(counts)
        for subject in count.subjects
        if (since := max(subject.since, count.period.start)) < (until := min(subject.until, count.period.end))
    ]
    if not spans:
        return Counted([NOTHING] * len(counts), "")
    totals = [NOTHING] * len(counts)
    columns = [list(column) for column in zip(*spans, strict=True)]
    rows = await (await tx.raw.execute(_COUNT, (*columns, tx.tenant_id))).fetchall()
    for index, events, total, largest, _ in rows:
        if events:
            totals[index] = Totals(events, _fraction(total), _fraction(largest))
    return Counted(totals, rows[0][4])


def _fraction(value: Decimal) -> Fraction:
    return Fraction(value)
