"""MigrationsService: convert, call one operation, convert."""

from typing import Any

from billing.subscriptions.v1 import migration_pb2
from billing.subscriptions.v1 import migrations_service_pb2 as pb
from billing.subscriptions.v1 import migrations_service_pb2_grpc as pb_grpc
from billing_runtime.call import current_call
from billing_runtime.masks import apply_read_mask, check_read_mask
from billing_runtime.paging import page_of, page_size, uuid_of

from billing_subscriptions.operations.cancel_migration import cancel_migration
from billing_subscriptions.operations.create_migration import create_migration
from billing_subscriptions.operations.migration_ports import BeginMigration, ReadMigration
from billing_subscriptions.wire.migrations import (
    OUTCOMES,
    STATES,
    migration_to_pb,
    migration_uuid,
    new_migration_from_pb,
    result_to_pb,
)


class MigrationsServicer(pb_grpc.MigrationsServiceServicer):
    """Starts and watches bulk migrations; the job does the work."""

    def __init__(self, begin: BeginMigration, read: ReadMigration) -> None:
        self.begin = begin
        self.read = read

    async def CreateMigration(self, request: pb.CreateMigrationRequest, context: Any) -> pb.CreateMigrationResponse:
        wanted = new_migration_from_pb(request)
        async with self.begin() as uow:
            made = await create_migration(uow, wanted, current_call().actor)
            return await uow.answer(pb.CreateMigrationResponse(migration=migration_to_pb(made)))

    async def GetMigration(self, request: pb.GetMigrationRequest, context: Any) -> pb.GetMigrationResponse:
        async with self.read() as reads:
            found = await reads.migration(migration_uuid(request.migration_id))
        return pb.GetMigrationResponse(migration=apply_read_mask(migration_to_pb(found), request.read_mask))

    async def ListMigrations(self, request: pb.ListMigrationsRequest, context: Any) -> pb.ListMigrationsResponse:
        check_read_mask(migration_pb2.Migration.DESCRIPTOR, request.read_mask)
        size, after = page_size(request.page_size), uuid_of(request.page_token)
        state = STATES.from_pb(request.state) if request.state else None
        async with self.read() as reads:
            found = await reads.migrations(state=state, after=after, limit=size + 1)
        messages, token = page_of(
            found,
            size,
            lambda each: str(each.id),
            lambda each: apply_read_mask(migration_to_pb(each), request.read_mask),
        )
        return pb.ListMigrationsResponse(migrations=messages, next_page_token=token)

    async def ListMigrationResults(
        self, request: pb.ListMigrationResultsRequest, context: Any
    ) -> pb.ListMigrationResultsResponse:
        check_read_mask(migration_pb2.MigrationResult.DESCRIPTOR, request.read_mask)
        migration_id, size = migration_uuid(request.migration_id), page_size(request.page_size)
        outcome = OUTCOMES.from_pb(request.outcome) if request.outcome else None
        after = uuid_of(request.page_token)
        async with self.read() as reads:
            found = await reads.results(migration_id, outcome=outcome, after=after, limit=size + 1)
        messages, token = page_of(
            found,
            size,
            lambda each: str(each.subscription_id),
            lambda each: apply_read_mask(result_to_pb(migration_id, each), request.read_mask),
        )
        return pb.ListMigrationResultsResponse(results=messages, next_page_token=token)

    async def CancelMigration(self, request: pb.CancelMigrationRequest, context: Any) -> pb.CancelMigrationResponse:
        async with self.begin() as uow:
            canceled = await cancel_migration(uow, migration_uuid(request.migration_id))
            return await uow.answer(pb.CancelMigrationResponse(migration=migration_to_pb(canceled)))
