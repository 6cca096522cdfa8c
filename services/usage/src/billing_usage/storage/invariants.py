"""What must hold in production at any moment: each query answers the rows of the asking tenant that break it."""

from collections.abc import Mapping

ACCEPTED_IS_STORED = """SELECT accepted, stored FROM (SELECT
    (SELECT coalesce(sum(accepted), 0) FROM ingest_batch) AS accepted,
    (SELECT count(*) FROM event) AS stored) AS counts
WHERE accepted <> stored"""

EVERY_KEY_HAS_ITS_EVENT = """SELECT source, id, batch_id
FROM (SELECT source, id, batch_id, 1 AS keys, 0 AS events FROM event_key
    UNION ALL SELECT source, id, batch_id, 0, 1 FROM event) AS each
GROUP BY source, id, batch_id
HAVING sum(keys) <> 1 OR sum(events) <> 1"""

# The events that a rating's snapshot saw, added up anew. `ingested_at` guards against transaction ids that start again
# in a restored cluster.
RATED_IS_RAW = """SELECT r.charge_id, r.quantity, r.event_count, raw.events, raw.total, raw.largest
FROM rating r
JOIN meter m ON m.tenant_id = r.tenant_id AND m.code = r.meter_code
CROSS JOIN LATERAL (
    SELECT count(e.id) AS events, coalesce(sum(e.value), 0) AS total, coalesce(max(e.value), 0) AS largest
    FROM jsonb_array_elements(r.subjects) AS s(subject)
    JOIN event e ON e.tenant_id = r.tenant_id AND e.meter_id = m.meter_id AND e.subject = s.subject ->> 0
        AND e.at >= greatest(r.period_start, (s.subject ->> 1)::timestamptz)
        AND e.at < least(r.period_end, (s.subject ->> 2)::timestamptz)
    JOIN ingest_batch b ON b.tenant_id = e.tenant_id AND b.batch_id = e.batch_id
        AND pg_visible_in_snapshot(b.xid, r.snapshot) AND b.ingested_at <= r.rated_at
) AS raw
WHERE (r.event_count <> raw.events OR r.quantity <>
    CASE m.aggregation WHEN 'count' THEN raw.events WHEN 'sum' THEN raw.total ELSE raw.largest END)"""

INVARIANTS: Mapping[str, str] = {
    "accepted_is_stored": ACCEPTED_IS_STORED,
    "every_key_has_its_event": EVERY_KEY_HAS_ITS_EVENT,
    "rated_is_raw_at_the_freeze": RATED_IS_RAW,
}
