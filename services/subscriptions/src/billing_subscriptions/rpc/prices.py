"""PricesService: convert, ask, convert. Nothing is ever written."""

from typing import Any

from billing.subscriptions.v1 import prices_service_pb2 as pb
from billing.subscriptions.v1 import prices_service_pb2_grpc as pb_grpc
from billing_kernel.errors import Violation
from billing_kernel.money import CurrencyMismatch
from billing_pricing import Price
from billing_runtime.masks import apply_read_mask

from billing_subscriptions.domain.price import preview, references, written_price
from billing_subscriptions.operations.ports import Read
from billing_subscriptions.operations.sold import SoldReads
from billing_subscriptions.wire.ids import price_uuid
from billing_subscriptions.wire.price_previews import answer_to_pb, price_from_sold, question_from_pb
from billing_subscriptions.wire.prices import price_from_pb


class PricesServicer(pb_grpc.PricesServiceServicer):
    """Prices by id, and tried on a usage."""

    def __init__(self, read: Read, sold: SoldReads) -> None:
        self.read = read
        self.sold = sold

    async def GetPrice(self, request: pb.GetPriceRequest, context: Any) -> pb.GetPriceResponse:
        found = await self.sold.price(price_uuid(request.price_id))
        return pb.GetPriceResponse(price=apply_read_mask(price_from_sold(found), request.read_mask))

    async def PreviewPrice(self, request: pb.PreviewPriceRequest, context: Any) -> pb.PreviewPriceResponse:
        question = question_from_pb(request)
        async with self.read() as reads:
            now = await reads.now()
        price, currency = await self._price(request)
        rated = preview(price, currency, question, now=now)
        return answer_to_pb(rated, dict(references(request.price_id, question)))

    async def _price(self, request: pb.PreviewPriceRequest) -> tuple[Price, str]:
        """Raises PriceNotFound, CurrencyMismatch, InvalidPrice, UnknownCurrency."""
        if request.WhichOneof("of") == "price":
            return written_price(price_from_pb(request.price), request.currency_code), request.currency_code
        sold = await self.sold.price(price_uuid(request.price_id))
        if request.currency_code not in ("", sold.currency):
            text = f"the price is in {sold.currency}"
            violation = Violation("currency_code", text, "currency.mismatch")
            raise CurrencyMismatch(text, facts={"currency": sold.currency}, violations=[violation])
        return sold.price, sold.currency
