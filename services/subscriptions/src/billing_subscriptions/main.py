"""Composition root: the only place that picks concrete classes."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

import grpc
from billing.common.v1 import clock_service_pb2_grpc
from billing.subscriptions.v1 import (
    customers_service_pb2,
    customers_service_pb2_grpc,
    entitlements_service_pb2,
    entitlements_service_pb2_grpc,
    imports_service_pb2,
    imports_service_pb2_grpc,
    migrations_service_pb2,
    migrations_service_pb2_grpc,
    plans_service_pb2,
    plans_service_pb2_grpc,
    renewals_service_pb2,
    renewals_service_pb2_grpc,
    subscriptions_service_pb2,
    subscriptions_service_pb2_grpc,
)
from billing_runtime import clock_servicer
from billing_runtime.cache import Caches
from billing_runtime.cache_hot import WarmCaches
from billing_runtime.call import calling
from billing_runtime.database import Database
from billing_runtime.invariants import invariants_job
from billing_runtime.jobs import Job, job_call
from billing_runtime.maintenance import maintenance_jobs
from billing_runtime.service import Built, Parts, Service
from billing_runtime.settings import RuntimeSettings, load

from billing_subscriptions.clients.measurements import UsageMeasurements
from billing_subscriptions.clients.usage import UsageMeters
from billing_subscriptions.config import Settings
from billing_subscriptions.consumers.events import consumer
from billing_subscriptions.jobs import republish_dues as republish_job
from billing_subscriptions.jobs.migrate_subscriptions import migrate_subscriptions
from billing_subscriptions.jobs.prune_standings import prune_standings
from billing_subscriptions.operations.check_entitlement import UsageMeasures
from billing_subscriptions.operations.migrate_batch import migrate_batch
from billing_subscriptions.operations.ports import Meters
from billing_subscriptions.rpc.catalogue import CATALOGUE_NAMES, add_catalogue
from billing_subscriptions.rpc.customers import CustomersServicer
from billing_subscriptions.rpc.entitlements import EntitlementsServicer
from billing_subscriptions.rpc.imports import ImportsServicer
from billing_subscriptions.rpc.migrations import MigrationsServicer
from billing_subscriptions.rpc.plans import PlansServicer
from billing_subscriptions.rpc.renewals import RenewalsServicer
from billing_subscriptions.rpc.subscriptions import SubscriptionsServicer
from billing_subscriptions.storage import queues
from billing_subscriptions.storage.cached_reads import CachedReads
from billing_subscriptions.storage.invariants import INVARIANTS
from billing_subscriptions.storage.migration_reads import migration_reads_of
from billing_subscriptions.storage.migrations import open_migrations, postpone_migration
from billing_subscriptions.storage.rehydrate import REHYDRATE
from billing_subscriptions.storage.unit_of_work import PostgresUnitOfWork, reads_of, units_of_work
from billing_subscriptions.wire.events import DUE_TOPIC

SERVICE_NAMES = (
    customers_service_pb2.DESCRIPTOR.services_by_name["CustomersService"].full_name,
    plans_service_pb2.DESCRIPTOR.services_by_name["PlansService"].full_name,
    subscriptions_service_pb2.DESCRIPTOR.services_by_name["SubscriptionsService"].full_name,
    renewals_service_pb2.DESCRIPTOR.services_by_name["RenewalsService"].full_name,
    entitlements_service_pb2.DESCRIPTOR.services_by_name["EntitlementsService"].full_name,
    imports_service_pb2.DESCRIPTOR.services_by_name["ImportsService"].full_name,
    migrations_service_pb2.DESCRIPTOR.services_by_name["MigrationsService"].full_name,
    *CATALOGUE_NAMES,
    clock_servicer.SERVICE_NAME,
)


def service(settings: RuntimeSettings) -> Service:
    """The subscriptions service as a value."""
    return Service(name="subscriptions", package="billing_subscriptions", settings=settings, build=build)


def build(parts: Parts) -> Built:
    """Wires servicers, the consumer and the jobs. Raises SettingsRefused."""
    settings = load(Settings, parts.env)
    channel = parts.channels.channel("usage")
    meters = UsageMeters(channel, settings.usage_deadline_s)
    usage = UsageMeasurements(channel, settings.usage_deadline_s)
    return assemble(parts.database, meters, settings, usage, parts.settings.redis_url)


def assemble(
    database: Database, meters: Meters, settings: Settings, usage: UsageMeasures, redis_url: str = ""
) -> Built:
    """The same with the usage service behind its ports."""
    begin, read = units_of_work(database), reads_of(database)
    caches = Caches("subscriptions", database.engine.url.render_as_string(hide_password=False), redis_url)
    cached, warm = CachedReads(caches, database), WarmCaches(caches, database)

    def add_servicers(server: grpc.aio.Server) -> None:
        customers_service_pb2_grpc.add_CustomersServiceServicer_to_server(CustomersServicer(begin, read), server)
        plans_service_pb2_grpc.add_PlansServiceServicer_to_server(PlansServicer(begin, read, meters, cached), server)
        subscriptions_service_pb2_grpc.add_SubscriptionsServiceServicer_to_server(
            SubscriptionsServicer(begin, read), server
        )
        renewals_service_pb2_grpc.add_RenewalsServiceServicer_to_server(RenewalsServicer(begin, read), server)
        entitlements = EntitlementsServicer(cached, usage)
        entitlements_service_pb2_grpc.add_EntitlementsServiceServicer_to_server(entitlements, server)
        migrations = MigrationsServicer(begin, migration_reads_of(database))
        migrations_service_pb2_grpc.add_MigrationsServiceServicer_to_server(migrations, server)
        imports_service_pb2_grpc.add_ImportsServiceServicer_to_server(ImportsServicer(begin), server)
        add_catalogue(server, begin, read, meters, cached)
        clock = clock_servicer.ClockServicer(database, queues.next_due_at, queues.is_empty)
        clock_service_pb2_grpc.add_ClockServiceServicer_to_server(clock, server)

    return Built(
        add_servicers,
        SERVICE_NAMES,
        consumers=(consumer(PostgresUnitOfWork),),
        jobs=_jobs(database, settings),
        rehydrate=REHYDRATE,
        open=warm.open,
        close=warm.close,
    )


def _jobs(database: Database, settings: Settings) -> Sequence[Job]:
    async def stale(before: datetime) -> Sequence[tuple[UUID, UUID]]:
        async with database.worker() as conn:
            return await queues.stale_dues(conn, before, DUE_TOPIC)

    async def republish(tenant_id: UUID, due_ids: Sequence[UUID], before: datetime) -> int:
        with calling(job_call(republish_job.NAME, tenant_id)) as call:
            async with database.begin(call) as tx:
                return await PostgresUnitOfWork(tx).dues.republish(due_ids, before)

    async def prune(before: date) -> int:
        async with database.worker() as conn:
            return await queues.prune_standings(conn, before)

    async def migrating() -> Sequence[tuple[UUID, UUID, str]]:
        async with database.worker() as conn:
            return await open_migrations(conn)

    async def migrate(migration_id: UUID) -> bool:
        return await migrate_batch(units_of_work(database), migration_id)

    async def postpone(tenant_id: UUID, migration_id: UUID) -> None:
        async with database.worker() as conn:
            await postpone_migration(conn, tenant_id, migration_id)

    return (
        republish_job.republish_dues(stale, republish, timedelta(seconds=settings.due_republish_after_s)),
        prune_standings(prune),
        migrate_subscriptions(migrating, migrate, postpone),
        *maintenance_jobs(database, queues.oldest_open_due),
        invariants_job(database, INVARIANTS),
    )
