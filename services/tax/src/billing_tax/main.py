"""Composition root: the only place that picks concrete classes."""

from datetime import datetime

import grpc
from billing.common.v1 import clock_service_pb2_grpc
from billing.tax.v1 import (
    exemptions_service_pb2,
    exemptions_service_pb2_grpc,
    registrations_service_pb2,
    registrations_service_pb2_grpc,
    tax_service_pb2,
    tax_service_pb2_grpc,
)
from billing_runtime import clock_servicer
from billing_runtime.invariants import invariants_job
from billing_runtime.service import Built, Parts, Service
from billing_runtime.settings import RuntimeSettings
from billing_runtime.transaction import Transaction

from billing_tax.rpc.exemptions import ExemptionsServicer
from billing_tax.rpc.registrations import RegistrationsServicer
from billing_tax.rpc.tax import TaxServicer
from billing_tax.storage.invariants import INVARIANTS
from billing_tax.storage.queries import is_empty, reads_of
from billing_tax.storage.rate_file import built_in_rates
from billing_tax.storage.unit_of_work import units_of_work

SERVICE_NAMES = (
    tax_service_pb2.DESCRIPTOR.services_by_name["TaxService"].full_name,
    registrations_service_pb2.DESCRIPTOR.services_by_name["RegistrationsService"].full_name,
    exemptions_service_pb2.DESCRIPTOR.services_by_name["ExemptionsService"].full_name,
    clock_servicer.SERVICE_NAME,
)


def service(settings: RuntimeSettings) -> Service:
    """The tax service as a value."""
    return Service(name="tax", package="billing_tax", settings=settings, build=build)


def build(parts: Parts) -> Built:
    """Wires the servicers; a broken rate table stops the start here."""
    rates = built_in_rates()
    database = parts.database
    begin, read = units_of_work(database), reads_of(database)

    def add_servicers(server: grpc.aio.Server) -> None:
        tax_service_pb2_grpc.add_TaxServiceServicer_to_server(TaxServicer(read, rates), server)
        registrations_service_pb2_grpc.add_RegistrationsServiceServicer_to_server(
            RegistrationsServicer(begin, read, rates), server
        )
        exemptions_service_pb2_grpc.add_ExemptionsServiceServicer_to_server(
            ExemptionsServicer(begin, read, rates), server
        )
        clock = clock_servicer.ClockServicer(database, _nothing_due, is_empty)
        clock_service_pb2_grpc.add_ClockServiceServicer_to_server(clock, server)

    return Built(add_servicers, SERVICE_NAMES, jobs=[invariants_job(database, INVARIANTS)])


async def _nothing_due(tx: Transaction) -> datetime | None:
    """Nothing in this service falls due by the clock."""
    return None
