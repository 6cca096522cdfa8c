"""kill -9 of the real jobs process at each of its fault points: whatever it left behind, money moves once."""

import asyncio
import os
import signal
import sys
from dataclasses import replace

import pytest
import pytest_asyncio
from billing_devstack import keys as issuer
from billing_payments.config import PaymentsSettings
from billing_payments.domain.payment import PaymentState
from billing_payments.main import collector_of, gateways_of
from billing_payments.operations.resolve_unclear import resolve_unclear
from billing_payments.storage.invariants import INVARIANTS
from billing_runtime.call import calling
from billing_runtime.database import Database
from sqlalchemy import text

NAME = "billing_payments_crash"
DIES_WITHIN_S = 60.0


@pytest_asyncio.fixture
async def alone(payments, service_database):
    """The service on a database that no other test fills with due payments."""
    url = service_database("payments", "billing_payments", name=NAME).database_url
    database = Database.open(url, pool_max=4)
    yield replace(
        payments, database=database, collector=collector_of(database, gateways_of(database), PaymentsSettings())
    )
    await database.close()


@pytest.fixture
def environment(service_database, tmp_path):
    keys = issuer.ensure(tmp_path / "keys")
    return {
        **os.environ,
        "DATABASE_URL": service_database("payments", "billing_payments", name=NAME).database_url,
        "GRPC_ADDRESS": "127.0.0.1:0",
        "USER_JWKS": str(keys.user_jwks),
        "USER_ISSUER": issuer.USER_ISSUER,
        "USER_AUDIENCE": issuer.USER_AUDIENCE,
        "SERVICE_JWKS": str(keys.service_jwks),
        "SERVICE_KEY": str(keys.service_key("payments")),
    }


async def run_until_it_dies(environment, point):
    arguments = [sys.executable, "-m", "billing_payments", "jobs"]
    child = await asyncio.create_subprocess_exec(*arguments, env={**environment, "FAULT_POINT": point})
    try:
        async with asyncio.timeout(DIES_WITHIN_S):
            return await child.wait()
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


@pytest.mark.crash
@pytest.mark.slow
@pytest.mark.parametrize("point", ["payments.intent_stored", "payments.sent", "payments.answered", "payments.stored"])
async def test_kill_nine(alone, environment, day, point):
    payment = await alone.due()
    async with alone.database.worker() as conn:  # the lease of the process that the test before killed
        await conn.execute(text("DELETE FROM lease"))
    assert await run_until_it_dies(environment, point) == -signal.SIGKILL
    stored = point == "payments.stored"
    assert (await alone.get(payment)).state is (PaymentState.SUCCEEDED if stored else PaymentState.PROCESSING)
    assert await alone.captures(payment) == (0 if point == "payments.intent_stored" else 1)
    await alone.abandon()
    with calling(alone.call):
        await resolve_unclear(alone.collector)
    after = await alone.get(payment)
    assert (after.state, len(after.attempts), await alone.captures(payment)) == (PaymentState.SUCCEEDED, 1, 1)
    async with alone.database.read(alone.call) as tx:
        for query in INVARIANTS.values():
            assert (await tx.conn.execute(text(query))).all() == []
