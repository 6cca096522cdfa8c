"""A month's end on 20,000 subscriptions, from the request to the last InvoiceFinalized, against COPY of its rows."""

import asyncio
import io
import os
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import psycopg
from billing.usage.v1 import usage_event_pb2
from billing.usage.v1 import usage_service_pb2 as usage
from billing_kernel.ids import decode, uuid7
from billing_runtime.database import Database
from billing_subscriptions.domain.customer import Address, CollectionMethod, Party, Terms
from billing_subscriptions.domain.start import Order
from billing_subscriptions.operations.create_customer import create_customer
from billing_subscriptions.operations.create_subscription import create_subscription
from billing_subscriptions.storage.unit_of_work import PostgresUnitOfWork
from billing_subscriptions.wire.ids import subscription_text, version_uuid
from billing_testkit.fleet import Fleet
from billing_testkit.tenants import admin_call

from tests.bench.figures import Row, median, row_of
from tests.crash.business import METER, Business, Size, stamp
from tests.crash.killing import wait_until
from tests.crash.truth import Truth, truth_of

FLOOR = 1000.0
SUBSCRIPTIONS = int(os.environ.get("BENCH_SUBSCRIPTIONS", "20000"))
SERVICES = ("subscriptions", "usage", "invoicing", "tax", "payments")
MONTHS = 2  # measured, after the first one
CHUNK = 500
BATCH = 1000
RUN_S = 400.0
LOOK_S = 0.05
INVOICED = "SELECT count(number) FROM invoice WHERE run_id = %s"
WAITING = "SELECT count(*) FROM outbox WHERE type = %s"
COMPLETE = """SELECT state, published, (SELECT count(*) FROM settled_due AS due WHERE due.run_id = run.run_id)
FROM billing_run AS run WHERE run_id = %s"""
FINALIZED = "billing.invoicing.v1.InvoiceFinalized"
# What the run leaves behind in invoicing, by run.
WRITTEN = {
    "invoice": "SELECT * FROM invoice WHERE run_id = %s",
    "line": "SELECT * FROM invoice_line WHERE invoice_id IN (SELECT invoice_id FROM invoice WHERE run_id = %s)",
    "charge": "SELECT * FROM invoiced_charge WHERE invoice_id IN (SELECT invoice_id FROM invoice WHERE run_id = %s)",
    "due": "SELECT * FROM settled_due WHERE run_id = %s",
    "event": "SELECT * FROM outbox_archive WHERE tenant_id = (SELECT tenant_id FROM billing_run WHERE run_id = %s)"
    " AND written_at >= (SELECT created_at FROM billing_run WHERE run_id = %s)",
}


@dataclass(frozen=True)
class Ended:
    """One run: seconds from the request to the last invoice, and to the last of its events on the broker; seconds of
    COPY of the rows that it left in invoicing."""

    run_s: float
    broker_s: float
    copy_s: float
    rows: int


def measure(root: Path) -> Row:
    """Every due has its invoice, no rule is broken, and the run says so itself."""
    with Fleet(root, ("postgres", "kafka"), SERVICES) as fleet:
        for service in SERVICES:
            fleet.run(service, "all", ready=False)
        business = Business.found(fleet, uuid7(), Size(0, 0), MONTHS + 1)
        subscribed = asyncio.run(_subscribe(fleet, business))
        with truth_of(fleet) as truth, closing(business.clients):
            wait_until(lambda: truth.moving(business.tenant), RUN_S)
            _month(fleet, truth, business, 0, [])
            ended = [_month(fleet, truth, business, month, subscribed) for month in range(1, MONTHS + 1)]
            broken = truth.broken(business.tenant)
            assert not broken, broken
    rates = [SUBSCRIPTIONS / each.run_s for each in ended]
    copies = [SUBSCRIPTIONS / each.copy_s for each in ended]
    figures = {
        "invoices": SUBSCRIPTIONS,
        "to the broker/s": median([SUBSCRIPTIONS / each.broker_s for each in ended]),
        "COPY invoices/s": median(copies),
        "rows": ended[-1].rows,
        "ratio to COPY": round(
            median([1000 * rate / copy for rate, copy in zip(rates, copies, strict=True)]) / 1000, 4
        ),
    }
    return row_of("run", rates, floor=FLOOR, unit="invoices/s", figures=figures)


async def _subscribe(fleet: Fleet, business: Business) -> list[str]:
    """Customers with a subscription each, made by the service's own operations in few transactions."""
    database = Database.open(fleet.databases["subscriptions"].database_url)
    version_id, start = version_uuid(business.version_id), business.start_of(0)
    made: list[str] = []
    try:
        for first in range(0, SUBSCRIPTIONS, CHUNK):
            async with database.begin(admin_call(business.tenant)) as tx:
                uow = PostgresUnitOfWork(tx)
                count = min(CHUNK, SUBSCRIPTIONS - first)
                made += [await _one(uow, version_id, start) for _ in range(count)]
    finally:
        await database.close()
    return made


async def _one(uow: PostgresUnitOfWork, version_id: UUID, start: datetime) -> str:
    party = Party("Ada Lovelace", Address("DE", "", "Unter den Linden 1", "", "Berlin", "10117"), "", "ada@example.com")
    customer = await create_customer(uow, Terms(collection=CollectionMethod.SEND, net_terms_days=14), party, None)
    made = await create_subscription(uow, customer.id, version_id, Order(start_at=start))
    return subscription_text(made.subscription.id)


def _month(fleet: Fleet, truth: Truth, business: Business, month: int, subscribed: Sequence[str]) -> Ended:
    """Usage of the month before, then the run, until all is at rest."""
    _use(business, month, subscribed)
    wait_until(lambda: truth.moving(business.tenant), RUN_S)
    for service in ("subscriptions", "usage", "invoicing"):
        truth.ask(service, "VACUUM ANALYZE")
        truth.ask(service, "CHECKPOINT")
    began = time.perf_counter()
    run_id = decode("run", business.ask_for_run(month))
    _await(lambda: truth.ask("invoicing", INVOICED, run_id) == [(SUBSCRIPTIONS,)])
    run_s = time.perf_counter() - began
    _await(lambda: truth.ask("invoicing", WAITING, FINALIZED) == [(0,)])
    broker_s = time.perf_counter() - began
    wait_until(lambda: truth.moving(business.tenant), RUN_S)
    assert truth.ask("invoicing", COMPLETE, run_id) == [("complete", SUBSCRIPTIONS, SUBSCRIPTIONS)]
    return Ended(run_s, broker_s, *_copy(fleet, run_id))


def _use(business: Business, month: int, subscribed: Sequence[str]) -> None:
    """Two events a subscription in the month before."""
    at = stamp(business.start_of(month - 1) + timedelta(days=3))
    for first in range(0, len(subscribed), BATCH // 2):
        events = [
            usage_event_pb2.UsageEvent(
                id=f"{month}-{each}-{number}",
                source="bench",
                meter_code=METER,
                subscription_id=each,
                time=at,
                value=str(100 + number),
            )
            for each in subscribed[first : first + BATCH // 2]
            for number in range(2)
        ]
        answer = business.clients.call("usage", "IngestEvents", usage.IngestEventsRequest(events=events))
        assert answer.accepted == len(events)


def _await(done: Callable[[], bool]) -> None:
    until = time.monotonic() + RUN_S
    while not done():
        assert time.monotonic() < until, f"not done after {RUN_S:.0f} s"
        time.sleep(LOOK_S)


def _copy(fleet: Fleet, run_id: UUID) -> tuple[float, int]:
    """Seconds of binary COPY of the run's rows into tables without an index, a transaction a table; and the rows."""
    took_s, rows = 0.0, 0
    with psycopg.connect(fleet.owner_dsn("invoicing"), autocommit=True) as database:
        for query in WRITTEN.values():
            bound = query.replace("%s", f"'{run_id}'")
            out = io.BytesIO()
            with database.cursor() as cursor:
                cursor.execute(f"CREATE TABLE floor AS {bound} LIMIT 0")
                with cursor.copy(f"COPY ({bound}) TO STDOUT (FORMAT binary)") as copy:
                    for part in copy:
                        out.write(part)
                began = time.perf_counter()
                with cursor.copy("COPY floor FROM STDIN (FORMAT binary)") as into:
                    into.write(out.getvalue())
                took_s += time.perf_counter() - began
                rows += cursor.rowcount
                cursor.execute("DROP TABLE floor")
    return took_s, rows
