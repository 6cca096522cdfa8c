"""`Taxes` over the tax service."""

from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

import grpc
from billing.tax.v1 import tax_service_pb2 as pb
from billing.tax.v1 import tax_service_pb2_grpc as pb_grpc

from billing_invoicing.clients.streams import whole
from billing_invoicing.domain.due import Due, Refusal, TaxedLine
from billing_invoicing.domain.seller import Seller
from billing_invoicing.wire.taxes import answer_from_pb, document_to_pb

DOCUMENTS_MAX = 1000  # of one question, says the contract
LINES_MAX = 10_000  # of one question: below 4 MiB

Asked = Sequence[tuple[Due, Seller]]


class TaxService:
    """Asks in slices; `deadline_s` is for each."""

    def __init__(self, channel: grpc.aio.Channel, deadline_s: float, lines_max: int = LINES_MAX) -> None:
        self._stub = pb_grpc.TaxServiceStub(channel)
        self._deadline_s = deadline_s
        self._lines_max = lines_max

    async def tax(self, asked: Asked) -> Mapping[UUID, Sequence[TaxedLine] | Refusal]:
        found: dict[UUID, Sequence[TaxedLine] | Refusal] = {}
        for part in _slices(asked, self._lines_max):
            request = pb.BatchCalculateTaxRequest(documents=[document_to_pb(due, seller) for due, seller in part])
            messages = await whole(self._stub.BatchCalculateTax(request, timeout=self._deadline_s))
            answers = (answer for message in messages for answer in message.answers)
            for (due, _), answer in zip(part, answers, strict=False):
                if answer.reference == str(due.due_id):
                    found[due.due_id] = answer_from_pb(answer)
        return found


def _slices(asked: Asked, lines_max: int) -> Iterator[Asked]:
    """At most DOCUMENTS_MAX dues and, but for a due that is larger alone, `lines_max` lines at a time."""
    part: list[tuple[Due, Seller]] = []
    lines = 0
    for pair in asked:
        size = len(pair[0].taxable)
        if part and (len(part) == DOCUMENTS_MAX or lines + size > lines_max):
            yield part
            part, lines = [], 0
        part.append(pair)
        lines += size
    if part:
        yield part
