"""Triggers by which a table itself tells of changed keys: no writer can forget to, not even a person with psql.

They run in the changing transaction; PostgreSQL delivers the notification when that commits. Keys that never change are
told once a statement; names, which seldom do, by the rows whose name changed, so that other updates cost nothing.
"""

from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256

from billing_runtime.cache_listener import CHANNEL
from billing_runtime.migrations import Operations

_KEYS_EACH = 100  # a notification holds 8,000 bytes, a key is 64 at most

_TELL_ROWS = """
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('{channel}', '{topic} ' || tenant_id || ' ' || string_agg(key, ' '))
    FROM (SELECT tenant_id, key, (row_number() OVER (PARTITION BY tenant_id ORDER BY key) - 1) / {each} AS part
          FROM (SELECT DISTINCT tenant_id, {key} AS key FROM changed_rows) AS changed
          WHERE key IS NOT NULL) AS parts
    GROUP BY tenant_id, part;
    RETURN NULL;
END $$
"""
_TELL_NAMES = """
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('{channel}', concat_ws(' ', '{topic}', new.tenant_id, {before}, {after}));
    RETURN NULL;
END $$
"""
_EACH_STATEMENT = """
CREATE TRIGGER {name} AFTER {event} ON {table} REFERENCING {rows} TABLE AS changed_rows
FOR EACH STATEMENT EXECUTE FUNCTION {name}()
"""
_EACH_NAME = """
CREATE TRIGGER {name} AFTER UPDATE OF {column} ON {table}
FOR EACH ROW WHEN (old.{column} IS DISTINCT FROM new.{column}) EXECUTE FUNCTION {name}()
"""
_HASH = "encode(sha256(convert_to({column}, 'UTF8')), 'hex')"


def tell_changes(
    op: Operations,
    table: str,
    column: str,
    events: Sequence[str] = ("INSERT", "UPDATE", "DELETE"),
    *,
    text: bool = False,
) -> None:
    """Rows of `table` that change are told under the topic "<table>.<column>", by the tenant and that column.

    A uuid column is its own key and never changes. A column of `text` is a name, told as `key_of_text` gives it: an
    update tells only names that changed, before and after. Leave INSERT out where a key that was not there cannot be
    cached. The table has a `tenant_id`.
    """
    for event in events:
        name, topic = f"tell_{table}_{column}_{event.lower()}", f"{table}.{column}"
        if text and event == "UPDATE":
            before, after = _HASH.format(column=f"old.{column}"), _HASH.format(column=f"new.{column}")
            op.execute(_TELL_NAMES.format(name=name, channel=CHANNEL, topic=topic, before=before, after=after))
            op.execute(_EACH_NAME.format(name=name, column=column, table=table))
            continue
        key = _HASH.format(column=column) if text else f"{column}::text"
        rows = "OLD" if event == "DELETE" else "NEW"
        op.execute(_TELL_ROWS.format(name=name, channel=CHANNEL, topic=topic, key=key, each=_KEYS_EACH))
        op.execute(_EACH_STATEMENT.format(name=name, event=event, table=table, rows=rows))


@lru_cache(10_000)
def key_of_text(text: str) -> str:
    """The key of a text: its SHA-256, so that any text fits into a notification."""
    return sha256(text.encode()).hexdigest()
