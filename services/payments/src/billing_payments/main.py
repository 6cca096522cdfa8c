"""Composition root: the only place that picks concrete classes."""

from collections.abc import Mapping
from functools import partial

import grpc
from billing.common.v1 import clock_service_pb2_grpc
from billing.payments.v1 import (
    payment_methods_service_pb2,
    payment_methods_service_pb2_grpc,
    payments_service_pb2,
    payments_service_pb2_grpc,
)
from billing_runtime import clock_servicer
from billing_runtime.database import Database
from billing_runtime.invariants import invariants_job
from billing_runtime.maintenance import maintenance_jobs
from billing_runtime.service import Built, Parts, Service
from billing_runtime.settings import RuntimeSettings

from billing_payments.config import PaymentsSettings
from billing_payments.consumers.invoicing import invoicing_consumer
from billing_payments.gateways import sandbox
from billing_payments.jobs.collection import collection_jobs
from billing_payments.operations.collect import Collector, Policy
from billing_payments.operations.ports import Gateway
from billing_payments.rpc.payment_methods import PaymentMethodsServicer
from billing_payments.rpc.payments import PaymentsServicer
from billing_payments.storage.invariants import INVARIANTS
from billing_payments.storage.queries import is_empty, next_due_at, reads_of
from billing_payments.storage.queue import PostgresQueue
from billing_payments.storage.sandbox_book import sandbox_books
from billing_payments.storage.unit_of_work import PostgresUnitOfWork, units_of_work, units_of_work_without_key

SERVICE_NAMES = (
    str(payment_methods_service_pb2.DESCRIPTOR.services_by_name["PaymentMethodsService"].full_name),
    str(payments_service_pb2.DESCRIPTOR.services_by_name["PaymentsService"].full_name),
    clock_servicer.SERVICE_NAME,
)


def service(settings: RuntimeSettings, own: PaymentsSettings) -> Service:
    """The payments service as a value."""
    return Service(name="payments", package="billing_payments", settings=settings, build=partial(build, own=own))


def gateways_of(database: Database) -> Mapping[str, Gateway]:
    """Every gateway by the name that payment methods carry."""
    return {sandbox.NAME: sandbox.SandboxGateway(sandbox_books(database))}


def collector_of(database: Database, gateways: Mapping[str, Gateway], own: PaymentsSettings) -> Collector:
    """How attempts are made."""
    policy = Policy(own.schedule, own.gateway_deadline_s, own.gateway_concurrency)
    return Collector(units_of_work_without_key(database), gateways, policy)


def build(parts: Parts, own: PaymentsSettings) -> Built:
    """Wires gateways, servicers, the consumer and the jobs."""
    database = parts.database
    gateways = gateways_of(database)
    collector = collector_of(database, gateways, own)
    begin, read = units_of_work(database), reads_of(database)

    def add_servicers(server: grpc.aio.Server) -> None:
        methods = PaymentMethodsServicer(begin, read, gateways)
        payment_methods_service_pb2_grpc.add_PaymentMethodsServiceServicer_to_server(methods, server)
        payments = PaymentsServicer(begin, read, collector)
        payments_service_pb2_grpc.add_PaymentsServiceServicer_to_server(payments, server)
        clock = clock_servicer.ClockServicer(database, next_due_at, is_empty)
        clock_service_pb2_grpc.add_ClockServiceServicer_to_server(clock, server)

    jobs = [
        *collection_jobs(PostgresQueue(database), collector),
        *maintenance_jobs(database),
        invariants_job(database, INVARIANTS),
    ]
    return Built(add_servicers, SERVICE_NAMES, consumers=[invoicing_consumer(PostgresUnitOfWork)], jobs=jobs)
