"""Composition root: the only place that picks concrete classes."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

import grpc
from billing.common.v1 import clock_service_pb2_grpc
from billing.invoicing.v1 import (
    account_credits_service_pb2,
    account_credits_service_pb2_grpc,
    billing_runs_service_pb2,
    billing_runs_service_pb2_grpc,
    invoices_service_pb2,
    invoices_service_pb2_grpc,
    sellers_service_pb2,
    sellers_service_pb2_grpc,
    test_clocks_service_pb2,
    test_clocks_service_pb2_grpc,
)
from billing_runtime import clock_servicer
from billing_runtime.consumer import Consumer
from billing_runtime.database import Database
from billing_runtime.invariants import active_tenants, invariants_job
from billing_runtime.jobs import Job
from billing_runtime.maintenance import maintenance_jobs
from billing_runtime.service import Built, Parts, Service
from billing_runtime.settings import RuntimeSettings
from billing_runtime.transaction import Transaction

from billing_invoicing.clients.blobs import blobs_at
from billing_invoicing.clients.clocks import SERVICES, MeshClocks, PaymentsRetries
from billing_invoicing.clients.printing import PrintingPool
from billing_invoicing.clients.subscriptions import SubscriptionsParties, SubscriptionsRenewals
from billing_invoicing.clients.tax import TaxService
from billing_invoicing.clients.usage import UsageRatings
from billing_invoicing.config import InvoicingSettings, read_own_settings
from billing_invoicing.consumers.dues import dues_consumer
from billing_invoicing.consumers.facts import facts_consumer
from billing_invoicing.jobs.clocks import clocks_job
from billing_invoicing.jobs.content import content_job
from billing_invoicing.jobs.runs import runs_job
from billing_invoicing.operations.advance_run import advance_run
from billing_invoicing.operations.move_test_clock import Movement, move_test_clock
from billing_invoicing.operations.peer_ports import Clocks, PaymentRetries, Renewals
from billing_invoicing.operations.prepare_dues import Peers
from billing_invoicing.rpc.account_credits import AccountCreditsServicer
from billing_invoicing.rpc.clocks import TestClocksServicer
from billing_invoicing.rpc.invoices import InvoicesServicer, Printing
from billing_invoicing.rpc.runs import BillingRunsServicer
from billing_invoicing.rpc.sellers import SellersServicer
from billing_invoicing.storage import runs
from billing_invoicing.storage.dues import gather_part
from billing_invoicing.storage.invariants import INVARIANTS, broken_hashes
from billing_invoicing.storage.queries import is_empty, reads_of
from billing_invoicing.storage.rehydrate import REHYDRATE
from billing_invoicing.storage.unit_of_work import PostgresUnitOfWork, units_of_work

INVARIANTS_EVERY_S = 300.0  # they read every invoice of the tenant

SERVICE_NAMES = (
    sellers_service_pb2.DESCRIPTOR.services_by_name["SellersService"].full_name,
    billing_runs_service_pb2.DESCRIPTOR.services_by_name["BillingRunsService"].full_name,
    invoices_service_pb2.DESCRIPTOR.services_by_name["InvoicesService"].full_name,
    account_credits_service_pb2.DESCRIPTOR.services_by_name["AccountCreditsService"].full_name,
    test_clocks_service_pb2.DESCRIPTOR.services_by_name["TestClocksService"].full_name,
    clock_servicer.SERVICE_NAME,
)


@dataclass(frozen=True, slots=True)
class World:
    """Everything outside of this process and its database."""

    peers: Peers
    renewals: Renewals
    clocks: Clocks
    retries: PaymentRetries
    printing: Printing


def service(settings: RuntimeSettings) -> Service:
    """The invoicing service as a value."""
    return Service(name="invoicing", package="billing_invoicing", settings=settings, build=build)


def build(parts: Parts) -> Built:
    """Wires the service to the real world."""
    own = read_own_settings(parts.env)
    pool = PrintingPool(own.pdf_workers)
    printing = Printing(blobs_at(own.blob_url), pool.render)
    channels = {name: parts.channels.channel(name) for name in SERVICES}
    deadline_s = own.peer_deadline_s
    world = World(
        peers=Peers(
            ratings=UsageRatings(channels["usage"], deadline_s),
            taxes=TaxService(channels["tax"], deadline_s),
            parties=SubscriptionsParties(channels["subscriptions"], deadline_s),
        ),
        renewals=SubscriptionsRenewals(channels["subscriptions"], deadline_s),
        clocks=MeshClocks(channels, deadline_s),
        retries=PaymentsRetries(channels["payments"], deadline_s),
        printing=printing,
    )
    return Built(
        partial(add_servicers, parts.database, world),
        SERVICE_NAMES,
        consumers=consumers(world, own),
        jobs=jobs(parts.database, world, own),
        rehydrate=REHYDRATE,
        close=pool.close,
    )


def add_servicers(database: Database, world: World, server: grpc.aio.Server) -> None:
    """Every RPC of the service."""
    begin, read = units_of_work(database), reads_of(database)
    sellers_service_pb2_grpc.add_SellersServiceServicer_to_server(SellersServicer(begin, read), server)
    billing_runs_service_pb2_grpc.add_BillingRunsServiceServicer_to_server(
        BillingRunsServicer(begin, read, world.peers), server
    )
    invoices_service_pb2_grpc.add_InvoicesServiceServicer_to_server(
        InvoicesServicer(begin, read, world.peers, world.renewals, world.printing), server
    )
    account_credits_service_pb2_grpc.add_AccountCreditsServiceServicer_to_server(AccountCreditsServicer(read), server)
    test_clocks_service_pb2_grpc.add_TestClocksServiceServicer_to_server(
        TestClocksServicer(begin, read, world.clocks), server
    )
    clock = clock_servicer.ClockServicer(database, _nothing_due, is_empty)
    clock_service_pb2_grpc.add_ClockServiceServicer_to_server(clock, server)


def consumers(world: World, own: InvoicingSettings) -> Sequence[Consumer]:
    return (
        dues_consumer(PostgresUnitOfWork, gather_part, world.peers, own.due_batch_max),
        facts_consumer(PostgresUnitOfWork),
    )


def jobs(database: Database, world: World, own: InvoicingSettings) -> Sequence[Job]:
    begin, read = units_of_work(database), reads_of(database)
    pause = partial(asyncio.sleep, own.test_clock_pause_s)
    movement = Movement(begin, read, world.clocks, world.retries, own.test_clock_steps_max, pause)

    async def advance(run_id: UUID) -> bool:
        return await advance_run(begin, read, world.renewals, run_id, chunk=own.renewals_chunk)

    return (
        runs_job(partial(runs.open_runs, database), advance, partial(runs.postpone_run, database)),
        clocks_job(
            partial(runs.moving_clocks, database),
            partial(move_test_clock, movement),
            partial(runs.postpone_clock, database),
        ),
        content_job(partial(active_tenants, database), partial(broken_hashes, database)),
        invariants_job(database, INVARIANTS, INVARIANTS_EVERY_S),
        *maintenance_jobs(database),
    )


async def _nothing_due(tx: Transaction) -> datetime | None:
    """Runs fall due when they are asked for, not by the clock."""
    return None
