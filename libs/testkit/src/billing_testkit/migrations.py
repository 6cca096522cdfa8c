"""Tables in code and tables in the database are the same."""

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from billing_runtime.tables import RUNTIME
from sqlalchemy import Connection, MetaData, create_engine, make_url, text

_PARTITIONS = "SELECT relname FROM pg_class WHERE relispartition"


def assert_tables_match_migrations(metadata: MetaData, url: str) -> None:
    """Fails with alembic's differences between `metadata` (and the runtime's tables) and the migrated database.

    `url` is the owner's. Partitions are left out: their parents stand for them.
    """
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    try:
        with engine.connect() as connection:
            differences = _differences(metadata, connection)
    finally:
        engine.dispose()
    assert not differences, "\n".join(map(str, differences))


def _differences(metadata: MetaData, connection: Connection) -> list[Any]:
    partitions = set(connection.execute(text(_PARTITIONS)).scalars())
    left_out = partitions | {"alembic_version"}

    def included(_object: Any, name: str | None, kind: str, _reflected: bool, _other: Any) -> bool:
        return kind != "table" or name not in left_out

    context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": included})
    return list(compare_metadata(context, [metadata, RUNTIME]))  # type: ignore[arg-type]  # alembic takes several
