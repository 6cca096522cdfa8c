"""ImportsService: what another system has billed so far, taken over item by item."""

from collections import Counter
from typing import Any

from billing.subscriptions.v1 import imports_service_pb2 as pb
from billing.subscriptions.v1 import imports_service_pb2_grpc as pb_grpc
from billing_kernel.errors import DomainError
from billing_runtime.validation import ValidationFailed, violations_of

from billing_subscriptions.operations.import_subscription import BeginImport, ImportDone, ImportOrder, Outcome
from billing_subscriptions.operations.import_subscriptions import import_subscriptions
from billing_subscriptions.wire.imports import order_from_pb, result_to_pb


class ImportsServicer(pb_grpc.ImportsServiceServicer):
    """Each item is judged by itself."""

    def __init__(self, begin: BeginImport) -> None:
        self.begin = begin

    async def ImportSubscriptions(
        self, request: pb.ImportSubscriptionsRequest, context: Any
    ) -> pb.ImportSubscriptionsResponse:
        judged = [_judged(item) for item in request.items]
        good = [each for each in judged if isinstance(each, ImportOrder)]
        done = iter(await import_subscriptions(self.begin, good, dry_run=request.dry_run))
        answers: list[ImportDone | DomainError] = [
            next(done) if isinstance(each, ImportOrder) else each for each in judged
        ]
        counts = Counter(Outcome.REFUSED if isinstance(each, DomainError) else each.outcome for each in answers)
        return pb.ImportSubscriptionsResponse(
            results=[result_to_pb(each, dry_run=request.dry_run) for each in answers],
            imported=counts[Outcome.IMPORTED],
            existing=counts[Outcome.EXISTING],
            refused=counts[Outcome.REFUSED],
        )


def _judged(item: pb.ImportItem) -> ImportOrder | DomainError:
    violations = violations_of(item)
    if violations:
        return ValidationFailed(f"{violations[0].field}: {violations[0].description}", violations=violations)
    try:
        return order_from_pb(item)
    except DomainError as refused:
        return refused
