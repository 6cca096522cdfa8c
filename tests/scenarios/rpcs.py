"""Every RPC of the mesh from its descriptors, and a request for each that is right but for the ids in it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

from billing.common.v1.access_pb2 import AUDIENCE_INTERNAL, AUDIENCE_PUBLIC, Access, access
from billing_kernel.ids import encode, uuid7
from google.api.annotations_pb2 import http
from google.protobuf import message_factory
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from tests.scenarios import catalogue
from tests.scenarios.callers import Caller
from tests.scenarios.world import stamp

FILES = {
    "subscriptions": (
        "customers_service",
        "plans_service",
        "subscriptions_service",
        "renewals_service",
        "migrations_service",
        "entitlements_service",
        "imports_service",
        "products_service",
        "features_service",
        "add_ons_service",
        "coupons_service",
        "prices_service",
        "catalog_service",
    ),
    "usage": ("meters_service", "usage_service", "rating_service", "measurement_service"),
    "tax": ("registrations_service", "exemptions_service", "tax_service"),
    "payments": ("payment_methods_service", "payments_service"),
    "invoicing": (
        "sellers_service",
        "billing_runs_service",
        "invoices_service",
        "account_credits_service",
        "test_clocks_service",
    ),
}
SOON = stamp(datetime(2030, 1, 1, tzinfo=UTC))
SEATS = {"change": {"quantities": [{"code": "seat", "quantity": "7"}]}}
LABELS = {"metadata": {"a": "b"}, "update_mask": FieldMask(paths=["metadata"])}

# What a request needs besides ids.
NEEDS: Mapping[str, Callable[[], Mapping[str, Any]]] = {
    "CreateCustomer": lambda: {"currency_code": "EUR", "party": _party()},
    "UpdateCustomer": lambda: {"customer": {"net_terms_days": 3}, "update_mask": FieldMask(paths=["net_terms_days"])},
    "UpdatePlan": lambda: LABELS,
    "CreatePlanVersion": lambda: {
        "currency_code": "EUR",
        "interval": catalogue.MONTH,
        "items": [catalogue.flat("base", "1")],
    },
    "UpdatePlanVersion": lambda: {
        "currency_code": "EUR",
        "interval": catalogue.MONTH,
        "items": [catalogue.flat("base", "1")],
    },
    "UpdateProduct": lambda: LABELS,
    "UpdateFeature": lambda: LABELS,
    "UpdateAddOn": lambda: LABELS,
    "UpdateCoupon": lambda: LABELS,
    "UpdateSubscription": lambda: LABELS,
    "ChangeSubscriptionQuantity": lambda: {"item": {"code": "seat", "quantity": "2"}},
    "CancelSubscription": lambda: {"cancel_at": 2},
    "ChangeSubscription": lambda: SEATS,
    "PreviewChange": lambda: SEATS,
    "PreviewCancelation": lambda: {"cancel_at": 1},
    "PauseSubscription": lambda: {"billing": 1},
    "RedeemCoupon": lambda: {"coupon_code": "ten-off"},
    "CheckEntitlement": lambda: {"feature_code": "sso"},
    "ImportSubscriptions": lambda: {"items": [{}]},
    "CreateMigration": lambda: {"from_plan_version_ids": [encode("pv", uuid7())]},
    "UpdateMeter": lambda: LABELS,
    "CreateRegistration": lambda: {"country_code": "FR", "scheme": 1, "start_time": SOON},
    "EndRegistration": lambda: {"end_time": SOON},
    "CreateExemption": lambda: {"country_code": "FR", "certificate_number": "1", "start_time": SOON},
    "EndExemption": lambda: {"end_time": SOON},
    "CreatePaymentMethod": lambda: {"token": "tok_succeeds"},
    "UpdatePaymentMethod": lambda: LABELS,
    "UpdateSeller": lambda: LABELS,
    "VoidInvoice": lambda: {"reason": "wrong"},
    "MarkInvoicePaid": lambda: {"reference": "cash"},
    "UpdateInvoice": lambda: LABELS,
    "GetAccountCredit": lambda: {"currency_code": "EUR"},
}


@dataclass(frozen=True)
class Rpc:
    """One method. `service` is where it is served; `ids` are the request's own fields that hold an id."""

    method: MethodDescriptor
    service: str

    @property
    def name(self) -> str:
        return str(self.method.name)

    @property
    def path(self) -> str:
        return f"/{self.method.containing_service.full_name}/{self.method.name}"

    @property
    def access(self) -> Access:
        found: Access = self.method.GetOptions().Extensions[access]
        return found

    @property
    def reads(self) -> bool:
        return self.access.permission.endswith(".read")

    @property
    def in_path(self) -> str:
        """The path of REST, with the names of the fields in it; empty for what has none."""
        rule = self.method.GetOptions().Extensions[http]
        return str(rule.get or rule.post or rule.patch or rule.delete)

    @property
    def ids(self) -> list[str]:
        return [field.name for field in self.method.input_type.fields if _holds_id(field)]

    def request(self, ids: Mapping[str, str]) -> Message:
        given = {name: ids[name] for name in self.ids}
        needs = NEEDS.get(self.name, dict)()
        return message_factory.GetMessageClass(self.method.input_type)(**given, **needs)

    async def call(self, caller: Caller, request: Message) -> Message:
        """Raises AioRpcError. The first answer of a stream."""
        answer = message_factory.GetMessageClass(self.method.output_type).FromString
        channel = caller.channels[self.service]
        if self.method.server_streaming:
            stream = channel.unary_stream(self.path, response_deserializer=answer)
            metadata = [("authorization", f"Bearer {caller.tokens[self.service]}")]
            return await stream(request.SerializeToString(), metadata=metadata, timeout=10).read()
        call = channel.unary_unary(self.path, lambda message: message.SerializeToString(), answer)
        made: Message = await call(request)
        return made


def every_rpc() -> Iterator[Rpc]:
    """All of them but those of the clocks, which are the same in every service."""
    for service, files in FILES.items():
        for file in files:
            module = import_module(f"billing.{service}.v1.{file}_pb2")
            for found in module.DESCRIPTOR.services_by_name.values():
                yield from (Rpc(method, service) for method in found.methods)


PUBLIC = [rpc for rpc in every_rpc() if rpc.access.audience == AUDIENCE_PUBLIC]
INTERNAL = [rpc for rpc in every_rpc() if rpc.access.audience == AUDIENCE_INTERNAL]


def _holds_id(field: FieldDescriptor) -> bool:
    """Of several ids that exclude each other the first one is enough."""
    if field.containing_oneof is not None and field.containing_oneof.fields[0] is not field:
        return False
    return field.type == FieldDescriptor.TYPE_STRING and field.name.endswith("_id") and field.name != "external_id"


def _party() -> Mapping[str, Any]:
    return {"name": "Somebody", "address": {"country_code": "DE"}}
