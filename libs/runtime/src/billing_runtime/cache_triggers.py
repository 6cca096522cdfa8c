"""Triggers by which a table itself tells of changed keys: no writer can forget to, not even a person with psql.

They run once a statement, in the changing transaction; PostgreSQL delivers the notification when that commits.
"""

from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256

from billing_runtime.cache_listener import CHANNEL
from billing_runtime.migrations import Operations

_KEYS_EACH = 100  # a notification holds 8,000 bytes, a key is 64 at most

_FUNCTION = """
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('{channel}', '{topic} ' || tenant_id || ' ' || string_agg(key, ' '))
    FROM (SELECT tenant_id, key, (row_number() OVER (PARTITION BY tenant_id ORDER BY key) - 1) / {each} AS part
          FROM (SELECT DISTINCT tenant_id, {key} AS key FROM ({rows}) AS touched) AS changed
          WHERE key IS NOT NULL) AS parts
    GROUP BY tenant_id, part;
    RETURN NULL;
END $$
"""
_TRIGGER = """
CREATE TRIGGER {name} AFTER {event} ON {table} REFERENCING {referencing}
FOR EACH STATEMENT EXECUTE FUNCTION {name}()
"""
_OLD, _NEW = "OLD TABLE AS before_rows", "NEW TABLE AS after_rows"
_BEFORE, _AFTER = (
    "SELECT tenant_id, {column} AS told FROM before_rows",
    "SELECT tenant_id, {column} AS told FROM after_rows",
)


def tell_changes(
    op: Operations,
    table: str,
    column: str,
    events: Sequence[str] = ("INSERT", "UPDATE", "DELETE"),
    *,
    text: bool = False,
) -> None:
    """Rows of `table` that change are told under the topic "<table>.<column>", by the tenant and that column.

    A uuid column is its own key and never changes; a column of `text` is told as `key_of_text` gives it, before and
    after. Leave INSERT out where a key that was not there cannot be cached. The table has a `tenant_id`.
    """
    key = "encode(sha256(convert_to(told, 'UTF8')), 'hex')" if text else "told::text"
    referencing = {"INSERT": _NEW, "UPDATE": f"{_OLD} {_NEW}" if text else _NEW, "DELETE": _OLD}
    rows = {"INSERT": _AFTER, "UPDATE": f"{_BEFORE} UNION ALL {_AFTER}" if text else _AFTER, "DELETE": _BEFORE}
    for event in events:
        name = f"tell_{table}_{column}_{event.lower()}"
        changed = rows[event].format(column=column)
        topic = f"{table}.{column}"
        op.execute(_FUNCTION.format(name=name, channel=CHANNEL, topic=topic, key=key, rows=changed, each=_KEYS_EACH))
        op.execute(_TRIGGER.format(name=name, event=event, table=table, referencing=referencing[event]))


@lru_cache(10_000)
def key_of_text(text: str) -> str:
    """The key of a text: its SHA-256, so that any text fits into a notification."""
    return sha256(text.encode()).hexdigest()
