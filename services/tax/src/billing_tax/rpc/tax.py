"""TaxService: calculation, alone and in batches, and the rates behind it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

from billing.tax.v1 import tax_document_pb2
from billing.tax.v1 import tax_service_pb2 as pb
from billing.tax.v1 import tax_service_pb2_grpc as pb_grpc
from billing_kernel.errors import DomainError
from billing_runtime.validation import ValidationFailed, violations_of

from billing_tax.domain.document import TaxOrder
from billing_tax.domain.places import Place, fiscal_place
from billing_tax.domain.rates import RateTable
from billing_tax.domain.zones import local_date
from billing_tax.operations.calculate_tax import OnRecord, calculate_each, calculate_tax, read_record
from billing_tax.operations.ports import Read
from billing_tax.wire.answers import answer_to_pb, messages
from billing_tax.wire.documents import document_to_pb, order_from_pb
from billing_tax.wire.percents import rate_to_pb
from billing_tax.wire.values import instant_from_pb


class TaxServicer(pb_grpc.TaxServiceServicer):
    """Changes nothing; two reads a call, however many documents."""

    def __init__(self, read: Read, rates: RateTable) -> None:
        self.read = read
        self.rates = rates

    async def CalculateTax(self, request: pb.CalculateTaxRequest, context: Any) -> pb.CalculateTaxResponse:
        order = order_from_pb(request.document)
        taxed = calculate_tax(order, await self._record([order]), self.rates)
        return pb.CalculateTaxResponse(document=document_to_pb(request.document.reference, taxed))

    async def BatchCalculateTax(
        self, request: pb.BatchCalculateTaxRequest, context: Any
    ) -> AsyncIterator[pb.BatchCalculateTaxResponse]:
        orders = [_checked(document) for document in request.documents]
        record = await self._record([order for order in orders if isinstance(order, TaxOrder)])
        results = calculate_each(orders, record, self.rates)
        references = (document.reference for document in request.documents)
        for message in messages(map(answer_to_pb, references, results)):
            yield message
            await asyncio.sleep(0)  # other calls have their turn between two messages

    async def ListRates(self, request: pb.ListRatesRequest, context: Any) -> pb.ListRatesResponse:
        place = fiscal_place(Place(request.country_code, request.region))
        at = instant_from_pb(request.time, "time") if request.HasField("time") else await self._now()
        rates = self.rates.on(place, local_date(place, at))
        return pb.ListRatesResponse(rates=map(rate_to_pb, rates))

    async def _record(self, orders: Sequence[TaxOrder]) -> OnRecord:
        if not orders:
            return OnRecord({}, {})
        async with self.read() as reads:
            return await read_record(reads, orders)

    async def _now(self) -> datetime:
        async with self.read() as reads:
            return await reads.now()


def _checked(document: tax_document_pb2.TaxDocument) -> TaxOrder | DomainError:
    """One bad document never refuses its neighbours."""
    violations = violations_of(document)
    if violations:
        return ValidationFailed(violations[0].description, violations=violations)
    try:
        return order_from_pb(document)
    except DomainError as refusal:
        return refusal
