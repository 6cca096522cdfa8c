"""PlansService: convert, call one operation, convert."""

from typing import Any

from billing.subscriptions.v1 import plan_pb2
from billing.subscriptions.v1 import plans_service_pb2 as pb
from billing.subscriptions.v1 import plans_service_pb2_grpc as pb_grpc
from billing_runtime.masks import apply_read_mask, check_read_mask, check_update_mask
from billing_runtime.paging import InvalidPageToken, key_of, page_of, page_size, uuid_of

from billing_subscriptions.operations.create_plan import create_plan
from billing_subscriptions.operations.create_plan_version import create_plan_version
from billing_subscriptions.operations.ports import Begin, Meters, Read
from billing_subscriptions.operations.publish_plan_version import known_meters, publish_plan_version
from billing_subscriptions.operations.retire_plans import (
    archive_plan,
    archive_plan_version,
    delete_plan_version,
    update_plan_version,
)
from billing_subscriptions.operations.sold import SoldReads
from billing_subscriptions.operations.update_plan import update_plan
from billing_subscriptions.wire.ids import plan_uuid, version_uuid
from billing_subscriptions.wire.plans import plan_to_pb, version_from_pb, version_to_pb

CHANGEABLE = frozenset({"name", "metadata"})


class PlansServicer(pb_grpc.PlansServiceServicer):
    """What is sold."""

    def __init__(self, begin: Begin, read: Read, meters: Meters, sold: SoldReads) -> None:
        self.begin = begin
        self.read = read
        self.meters = meters
        self.sold = sold

    async def CreatePlan(self, request: pb.CreatePlanRequest, context: Any) -> pb.CreatePlanResponse:
        async with self.begin() as uow:
            made = await create_plan(uow, request.code, request.name, dict(request.metadata))
            return await uow.answer(pb.CreatePlanResponse(plan=plan_to_pb(made)))

    async def GetPlan(self, request: pb.GetPlanRequest, context: Any) -> pb.GetPlanResponse:
        async with self.read() as reads:
            plan = await reads.plan(plan_uuid(request.plan_id))
        return pb.GetPlanResponse(plan=apply_read_mask(plan_to_pb(plan), request.read_mask))

    async def ListPlans(self, request: pb.ListPlansRequest, context: Any) -> pb.ListPlansResponse:
        check_read_mask(plan_pb2.Plan.DESCRIPTOR, request.read_mask)
        size, after = page_size(request.page_size), uuid_of(request.page_token)
        async with self.read() as reads:
            found = await reads.plans(code=request.code, after=after, limit=size + 1)
        messages, token = page_of(
            found, size, lambda each: str(each.id), lambda each: apply_read_mask(plan_to_pb(each), request.read_mask)
        )
        return pb.ListPlansResponse(plans=messages, next_page_token=token)

    async def UpdatePlan(self, request: pb.UpdatePlanRequest, context: Any) -> pb.UpdatePlanResponse:
        paths = check_update_mask(request.update_mask, CHANGEABLE)
        name = request.name if "name" in paths else None
        metadata = dict(request.metadata) if "metadata" in paths else None
        async with self.begin() as uow:
            changed = await update_plan(uow, plan_uuid(request.plan_id), name, metadata, request.etag)
            return await uow.answer(pb.UpdatePlanResponse(plan=plan_to_pb(changed)))

    async def CreatePlanVersion(
        self, request: pb.CreatePlanVersionRequest, context: Any
    ) -> pb.CreatePlanVersionResponse:
        async with self.begin() as uow:
            made = await create_plan_version(uow, plan_uuid(request.plan_id), version_from_pb(request))
            return await uow.answer(pb.CreatePlanVersionResponse(plan_version=version_to_pb(made)))

    async def GetPlanVersion(self, request: pb.GetPlanVersionRequest, context: Any) -> pb.GetPlanVersionResponse:
        version = await self.sold.version(version_uuid(request.plan_version_id))
        found = apply_read_mask(version_to_pb(version), request.read_mask)
        return pb.GetPlanVersionResponse(plan_version=found)

    async def ListPlanVersions(self, request: pb.ListPlanVersionsRequest, context: Any) -> pb.ListPlanVersionsResponse:
        check_read_mask(plan_pb2.PlanVersion.DESCRIPTOR, request.read_mask)
        size, after = page_size(request.page_size), _number(request.page_token)
        async with self.read() as reads:
            found = await reads.versions_of(plan_uuid(request.plan_id), after=after, limit=size + 1)
        messages, token = page_of(
            found,
            size,
            lambda each: str(each.number),
            lambda each: apply_read_mask(version_to_pb(each), request.read_mask),
        )
        return pb.ListPlanVersionsResponse(plan_versions=messages, next_page_token=token)

    async def PublishPlanVersion(
        self, request: pb.PublishPlanVersionRequest, context: Any
    ) -> pb.PublishPlanVersionResponse:
        version_id = version_uuid(request.plan_version_id)
        known = await known_meters(self.read, self.meters, version_id)
        async with self.begin() as uow:
            published = await publish_plan_version(uow, version_id, known)
            return await uow.answer(pb.PublishPlanVersionResponse(plan_version=version_to_pb(published)))

    async def UpdatePlanVersion(
        self, request: pb.UpdatePlanVersionRequest, context: Any
    ) -> pb.UpdatePlanVersionResponse:
        wanted = version_from_pb(request)
        async with self.begin() as uow:
            changed = await update_plan_version(uow, version_uuid(request.plan_version_id), wanted)
            return await uow.answer(pb.UpdatePlanVersionResponse(plan_version=version_to_pb(changed)))

    async def DeletePlanVersion(
        self, request: pb.DeletePlanVersionRequest, context: Any
    ) -> pb.DeletePlanVersionResponse:
        async with self.begin() as uow:
            await delete_plan_version(uow, version_uuid(request.plan_version_id))
            return await uow.answer(pb.DeletePlanVersionResponse())

    async def ArchivePlanVersion(
        self, request: pb.ArchivePlanVersionRequest, context: Any
    ) -> pb.ArchivePlanVersionResponse:
        async with self.begin() as uow:
            archived = await archive_plan_version(uow, version_uuid(request.plan_version_id))
            return await uow.answer(pb.ArchivePlanVersionResponse(plan_version=version_to_pb(archived)))

    async def ArchivePlan(self, request: pb.ArchivePlanRequest, context: Any) -> pb.ArchivePlanResponse:
        async with self.begin() as uow:
            archived = await archive_plan(uow, plan_uuid(request.plan_id), request.etag)
            return await uow.answer(pb.ArchivePlanResponse(plan=plan_to_pb(archived)))


def _number(token: str) -> int:
    """The number of a version in a page token; 0 for the first page. Raises InvalidPageToken."""
    key = key_of(token)
    if key is None:
        return 0
    if not (key[0].isascii() and key[0].isdigit() and len(key[0]) < 10):
        raise InvalidPageToken("the page token was not given by this method")
    return int(key[0])
