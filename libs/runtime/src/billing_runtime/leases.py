"""Leases: rows of `lease` that name one holder for a while. Expiry is by the database's wall clock."""

from billing_runtime.database import Database

_ACQUIRE = """
INSERT INTO lease (name, holder, acquired_at, expires_at)
VALUES (%(name)s, %(holder)s, clock_timestamp(), clock_timestamp() + make_interval(secs => %(ttl_s)s))
ON CONFLICT (name) DO UPDATE
SET holder = excluded.holder, acquired_at = excluded.acquired_at, expires_at = excluded.expires_at
WHERE lease.expires_at <= clock_timestamp() OR lease.holder = excluded.holder
RETURNING name
"""
_RENEW = """
UPDATE lease SET expires_at = clock_timestamp() + make_interval(secs => %(ttl_s)s)
WHERE name = %(name)s AND holder = %(holder)s AND expires_at > clock_timestamp()
RETURNING name
"""
_RELEASE = "DELETE FROM lease WHERE name = %(name)s AND holder = %(holder)s RETURNING name"


class Leases:
    """What one process (`holder`, unique) holds. Every answer is True when it holds the lease now."""

    def __init__(self, database: Database, holder: str, ttl_s: float = 15.0) -> None:
        self.database = database
        self.holder = holder
        self.ttl_s = ttl_s

    async def acquire(self, name: str) -> bool:
        """Takes a lease that is free, expired or already ours."""
        return await self._run(_ACQUIRE, name)

    async def renew(self, name: str) -> bool:
        """A heartbeat; False once it has expired or has another holder."""
        return await self._run(_RENEW, name)

    async def release(self, name: str) -> bool:
        return await self._run(_RELEASE, name)

    async def _run(self, statement: str, name: str) -> bool:
        arguments = {"name": name, "holder": self.holder, "ttl_s": self.ttl_s}
        async with self.database.worker() as conn:
            return (await conn.exec_driver_sql(statement, arguments)).first() is not None
