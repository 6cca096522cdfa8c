"""Payment methods between protobuf and domain. The token goes in and never comes out."""

from billing.payments.v1 import payment_method_pb2 as pb
from billing.payments.v1 import payment_methods_service_pb2 as service_pb
from billing_runtime.masks import check_update_mask

from billing_payments.domain.etag import etag_of
from billing_payments.domain.payment_method import MethodChange, MethodDraft, MethodState, PaymentMethod
from billing_payments.wire.values import CUSTOMER, METHOD, id_from_pb, id_to_pb, instant_to_pb

DEFAULT_GATEWAY = "sandbox"
CHANGEABLE = ("is_default", "label", "metadata")

_STATES = {
    MethodState.ATTACHED: pb.PAYMENT_METHOD_STATE_ATTACHED,
    MethodState.DETACHED: pb.PAYMENT_METHOD_STATE_DETACHED,
}
assert set(_STATES) == set(MethodState)


def draft_from_pb(request: service_pb.CreatePaymentMethodRequest) -> MethodDraft:
    """Raises InvalidId."""
    return MethodDraft(
        customer_id=id_from_pb(CUSTOMER, request.customer_id),
        gateway=request.gateway or DEFAULT_GATEWAY,
        token=request.token,
        label=request.label,
        metadata=dict(request.metadata),
    )


def change_from_pb(request: service_pb.UpdatePaymentMethodRequest) -> MethodChange:
    """The fields that the mask names. Raises InvalidUpdateMask."""
    paths = check_update_mask(request.update_mask, CHANGEABLE)
    return MethodChange(
        is_default=request.is_default if "is_default" in paths else None,
        label=request.label if "label" in paths else None,
        metadata=dict(request.metadata) if "metadata" in paths else None,
    )


def method_to_pb(method: PaymentMethod) -> pb.PaymentMethod:
    return pb.PaymentMethod(
        payment_method_id=id_to_pb(METHOD, method.id),
        customer_id=id_to_pb(CUSTOMER, method.customer_id),
        gateway=method.gateway,
        label=method.label,
        is_default=method.is_default,
        state=_STATES[method.state],
        metadata=method.metadata,
        etag=etag_of(method.version),
        create_time=instant_to_pb(method.created_at),
        update_time=instant_to_pb(method.updated_at),
    )
