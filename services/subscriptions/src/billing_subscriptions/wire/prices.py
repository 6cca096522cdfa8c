"""Prices <-> their messages."""

from billing.common.v1 import price_model_pb2
from billing_pricing import Price
from billing_pricing.contract import object_from_contract, price_to_contract
from google.protobuf.json_format import MessageToDict, ParseDict

from billing_subscriptions.domain.plan_item import JsonPrice


def price_from_pb(message: price_model_pb2.PriceModel) -> JsonPrice:
    """The JSON object of a price, as billing_pricing reads it; whether it makes sense is the domain's to say."""
    return object_from_contract(MessageToDict(message, preserving_proto_field_name=True))


def price_to_pb(price: Price) -> price_model_pb2.PriceModel:
    """Amounts in their shortest form, such as "49" for "49.00"."""
    return ParseDict(price_to_contract(price), price_model_pb2.PriceModel())
