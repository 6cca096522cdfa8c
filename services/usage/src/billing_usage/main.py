"""Composition root: the only place that picks concrete classes."""

import grpc
from billing.common.v1 import clock_service_pb2_grpc
from billing.usage.v1 import (
    measurement_service_pb2,
    measurement_service_pb2_grpc,
    meters_service_pb2,
    meters_service_pb2_grpc,
    rating_service_pb2,
    rating_service_pb2_grpc,
    usage_service_pb2,
    usage_service_pb2_grpc,
)
from billing_runtime import clock_servicer
from billing_runtime.invariants import invariants_job
from billing_runtime.service import Built, Parts, Service
from billing_runtime.settings import RuntimeSettings, load

from billing_usage.config import UsageSettings
from billing_usage.consumers.subscriptions import subscriptions_consumer
from billing_usage.domain.recent_ids import RecentIds
from billing_usage.operations.ingest_events import Intake
from billing_usage.rpc.measurement import MeasurementServicer
from billing_usage.rpc.meters import MetersServicer
from billing_usage.rpc.rating import RatingServicer
from billing_usage.rpc.usage import UsageServicer
from billing_usage.storage.copy_store import PostgresCopyStore
from billing_usage.storage.invariants import INVARIANTS
from billing_usage.storage.queries import is_empty, next_due_at
from billing_usage.storage.units import Units

INVARIANTS_EVERY_S = 900.0  # they read every event of a tenant

SERVICE_NAMES = (
    usage_service_pb2.DESCRIPTOR.services_by_name["UsageService"].full_name,
    meters_service_pb2.DESCRIPTOR.services_by_name["MetersService"].full_name,
    rating_service_pb2.DESCRIPTOR.services_by_name["RatingService"].full_name,
    measurement_service_pb2.DESCRIPTOR.services_by_name["MeasurementService"].full_name,
    clock_servicer.SERVICE_NAME,
)


def service(settings: RuntimeSettings) -> Service:
    """The usage service as a value."""
    return Service(name="usage", package="billing_usage", settings=settings, build=build)


def build(parts: Parts) -> Built:
    """Wires servicers, the consumer and the checks. Raises SettingsRefused."""
    own = load(UsageSettings, parts.env)
    database = parts.database
    units = Units(database)
    intake = Intake(own.time_limits, RecentIds(own.recent_ids))
    usage = UsageServicer(units.events, units.usage_reads, intake, own.rated_events_max)
    rating = RatingServicer(units.ratings, own.rated_events_max)
    meters = MetersServicer(units.meters, units.meter_reads)

    def add_servicers(server: grpc.aio.Server) -> None:
        usage_service_pb2_grpc.add_UsageServiceServicer_to_server(usage, server)
        meters_service_pb2_grpc.add_MetersServiceServicer_to_server(meters, server)
        rating_service_pb2_grpc.add_RatingServiceServicer_to_server(rating, server)
        measurement = MeasurementServicer(units.measure_reads)
        measurement_service_pb2_grpc.add_MeasurementServiceServicer_to_server(measurement, server)
        clock = clock_servicer.ClockServicer(database, next_due_at, is_empty)
        clock_service_pb2_grpc.add_ClockServiceServicer_to_server(clock, server)

    return Built(
        add_servicers,
        SERVICE_NAMES,
        consumers=[subscriptions_consumer(PostgresCopyStore)],
        jobs=[invariants_job(database, INVARIANTS, INVARIANTS_EVERY_S)],
    )
