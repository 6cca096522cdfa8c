"""Payment methods: a gateway's token of a customer. One of them is the default, which invoices are charged to."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from billing_payments.domain.card_number import refuse_card_numbers
from billing_payments.domain.errors import DefaultRequired, MethodIsDetached


class MethodState(StrEnum):
    ATTACHED = "ATTACHED"
    DETACHED = "DETACHED"


@dataclass(frozen=True, slots=True)
class MethodDraft:
    """What a caller asks for. An empty gateway means the sandbox, an empty label the gateway's own."""

    customer_id: UUID
    gateway: str
    token: str = field(repr=False)
    label: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PaymentMethod:
    id: UUID
    customer_id: UUID
    gateway: str
    token: str = field(repr=False)
    label: str
    is_default: bool
    state: MethodState
    metadata: Mapping[str, str]
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class MethodChange:
    """New values; None leaves the old one."""

    is_default: bool | None = None
    label: str | None = None
    metadata: Mapping[str, str] | None = None


def check_draft(draft: MethodDraft) -> None:
    """Raises CardNumberRefused."""
    refuse_card_numbers({"token": [draft.token], "label": [draft.label], "metadata": _texts(draft.metadata)})


def attach(draft: MethodDraft, *, method_id: UUID, label: str, is_default: bool, now: datetime) -> PaymentMethod:
    """`label` is the gateway's, for a draft without one."""
    return PaymentMethod(
        id=method_id,
        customer_id=draft.customer_id,
        gateway=draft.gateway,
        token=draft.token,
        label=draft.label or label,
        is_default=is_default,
        state=MethodState.ATTACHED,
        metadata=draft.metadata,
        version=1,
        created_at=now,
        updated_at=now,
    )


def change(method: PaymentMethod, wanted: MethodChange, *, now: datetime) -> PaymentMethod:
    """Raises MethodIsDetached, CardNumberRefused, and DefaultRequired when the default would be removed."""
    _refuse_detached(method)
    refuse_card_numbers({"label": [wanted.label or ""], "metadata": _texts(wanted.metadata or {})})
    if method.is_default and wanted.is_default is False:
        raise DefaultRequired("the default can only be moved: make another payment method the default")
    return replace(
        method,
        is_default=method.is_default or bool(wanted.is_default),
        label=method.label if wanted.label is None else wanted.label,
        metadata=method.metadata if wanted.metadata is None else wanted.metadata,
        version=method.version + 1,
        updated_at=now,
    )


def step_back(method: PaymentMethod, *, now: datetime) -> PaymentMethod:
    """No default any more, because another payment method is."""
    return replace(method, is_default=False, version=method.version + 1, updated_at=now)


def detach(method: PaymentMethod, *, now: datetime) -> PaymentMethod:
    """Never charged again; no other one becomes the default. Raises MethodIsDetached."""
    _refuse_detached(method)
    state = MethodState.DETACHED
    return replace(method, state=state, is_default=False, version=method.version + 1, updated_at=now)


def _refuse_detached(method: PaymentMethod) -> None:
    if method.state is MethodState.DETACHED:
        raise MethodIsDetached("the payment method is detached")


def _texts(metadata: Mapping[str, str]) -> list[str]:
    return [*metadata, *metadata.values()]
