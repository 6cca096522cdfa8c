"""Payment methods: what may change and what not."""

from datetime import UTC, datetime, timedelta

import pytest
from billing_kernel.ids import uuid7
from billing_payments.domain import payment_method as rules
from billing_payments.domain.errors import CardNumberRefused, DefaultRequired, MethodIsDetached
from billing_payments.domain.payment_method import MethodChange, MethodDraft, MethodState

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=1)


def method(*, is_default=True, label="mine"):
    draft = MethodDraft(uuid7(), "sandbox", "tok_succeeds", label, {"a": "b"})
    return rules.attach(draft, method_id=uuid7(), label="theirs", is_default=is_default, now=NOW)


def test_an_empty_label_takes_the_gateways():
    assert (method(label="").label, method().label) == ("theirs", "mine")


def test_the_token_never_shows():
    assert "tok_succeeds" not in repr(method()) + repr(MethodDraft(uuid7(), "sandbox", "tok_succeeds"))


@pytest.mark.parametrize(
    ("before", "change", "is_default", "label", "metadata"),
    [
        (False, MethodChange(is_default=True), True, "mine", {"a": "b"}),
        (True, MethodChange(is_default=True), True, "mine", {"a": "b"}),
        (False, MethodChange(is_default=False), False, "mine", {"a": "b"}),
        (True, MethodChange(label=""), True, "", {"a": "b"}),
        (True, MethodChange(metadata={}), True, "mine", {}),
    ],
)
def test_change(before, change, is_default, label, metadata):
    after = rules.change(method(is_default=before), change, now=LATER)
    assert (after.is_default, after.label, after.metadata) == (is_default, label, metadata)
    assert (after.version, after.updated_at, after.created_at) == (2, LATER, NOW)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (MethodChange(is_default=False), DefaultRequired),
        (MethodChange(label="4242 4242 4242 4242"), CardNumberRefused),
        (MethodChange(metadata={"card": "4242424242424242"}), CardNumberRefused),
        (MethodChange(metadata={"4242424242424242": "card"}), CardNumberRefused),
    ],
)
def test_refused_changes(change, error):
    with pytest.raises(error):
        rules.change(method(), change, now=LATER)


def test_detached_is_the_end():
    after = rules.detach(method(), now=LATER)
    assert (after.state, after.is_default, after.version) == (MethodState.DETACHED, False, 2)
    for again in (lambda: rules.detach(after, now=LATER), lambda: rules.change(after, MethodChange(), now=LATER)):
        with pytest.raises(MethodIsDetached):
            again()


@pytest.mark.parametrize(
    "changes", [{"token": "4242424242424242"}, {"label": "4242424242424242"}, {"metadata": {"x": "4242424242424242"}}]
)
def test_drafts_with_card_numbers(changes):
    fields = {"customer_id": uuid7(), "gateway": "sandbox", "token": "tok_succeeds"}
    with pytest.raises(CardNumberRefused):
        rules.check_draft(MethodDraft(**(fields | changes)))
