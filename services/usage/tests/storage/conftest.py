"""Stores on a real database, as the composition root wires them."""

from collections.abc import Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from billing_kernel.ids import uuid7
from billing_runtime.call import calling
from billing_runtime.database import Database
from billing_testkit.tenants import admin_call
from billing_usage.domain.ingestion import TimeLimits
from billing_usage.domain.meter import Aggregation
from billing_usage.domain.recent_ids import RecentIds
from billing_usage.operations.create_meter import NewMeter, create_meter
from billing_usage.operations.ingest_events import Intake, ingest_events
from billing_usage.storage.units import Units


@pytest.fixture
def units(usage_database: Database) -> Units:
    return Units(usage_database)


@pytest.fixture
async def meter_id(units: Units, tenant_id: UUID) -> UUID:
    """The meter "api", a sum."""
    with calling(admin_call(tenant_id)):
        async with units.meters() as store:
            meter = await create_meter(store, uuid7(), NewMeter("api", "API", "", Aggregation.SUM, {}))
    return meter.meter_id


@pytest.fixture
def ingest(units: Units, tenant_id: UUID) -> Callable[..., Any]:
    """`await ingest(raws)` in a process of its own: with a filter that knows nothing."""

    async def run(raws: Any, tenant: UUID = tenant_id, intake: Intake | None = None) -> Any:
        fresh = Intake(TimeLimits(timedelta(minutes=5), timedelta(days=36500)), RecentIds())
        with calling(admin_call(tenant)):
            return await ingest_events(units.events, intake or fresh, tenant, raws)

    return run


@pytest.fixture
def open_tx(usage_database: Database, tenant_id: UUID) -> Callable[..., Any]:
    """`async with open_tx() as tx`: a transaction of the test's tenant."""

    @asynccontextmanager
    async def begin(call: Any = None) -> Any:
        async with usage_database.begin(call or admin_call(tenant_id)) as tx:
            yield tx

    return begin
