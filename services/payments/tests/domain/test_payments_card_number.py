"""What is refused as a card number, and what is not."""

import pytest
from billing_payments.domain.card_number import looks_like_card_number, refuse_card_numbers
from billing_payments.domain.errors import CardNumberRefused


@pytest.mark.parametrize(
    "text",
    [
        "4242424242424242",
        "4242 4242 4242 4242",
        "4242-4242-4242-4242",
        "4242.4242.4242.4242",
        "visa4242424242424242x",
        "card 4242 4242 4242 4242 12 27",
        "378282246310005",
        "4222222222222",
        "6304000000000000000",
        "４２４２４２４２４２４２４２４２",
        "4242 - 4242 - 4242 - 4242",
    ],
)
def test_card_numbers(text):
    assert looks_like_card_number(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "visa 4242",
        "tok_succeeds",
        "4242424242424241",
        "424242424242",
        "42424242424242424242",
        "2026-01-31 12:00:00",
        "pm_01jx0000000000000000000000",
        "4242 4242 abcd 4242 4242",
    ],
)
def test_other_text(text):
    assert not looks_like_card_number(text)


def test_the_refusal_names_the_fields_and_not_the_number():
    with pytest.raises(CardNumberRefused) as raised:
        refuse_card_numbers({"token": ["4242424242424242"], "label": ["visa"], "metadata": ["a", "378282246310005"]})
    assert [violation.field for violation in raised.value.violations] == ["token", "metadata"]
    assert "4242" not in repr(raised.value.violations) + raised.value.message
