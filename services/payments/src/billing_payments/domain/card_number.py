"""What looks like a card number, in any text that a caller hands in: such text is refused, never stored or logged."""

import re
from collections.abc import Iterable, Iterator, Mapping

from billing_kernel.errors import Violation

from billing_payments.domain.errors import CardNumberRefused

DIGITS_MIN, DIGITS_MAX = 13, 19
# Digit groups with what people put between them; a colon is left out, because times of day have it.
_GROUPED = re.compile(r"\d+(?:[\s._/*-]{1,3}\d+)*")
_GROUP = re.compile(r"\d+")


def looks_like_card_number(text: str) -> bool:
    """Whether neighbouring groups of digits make up 13 to 19 digits with a valid Luhn check digit."""
    return any(_is_luhn(digits) for run in _GROUPED.findall(text) for digits in _windows(_GROUP.findall(run)))


def refuse_card_numbers(fields: Mapping[str, Iterable[str]]) -> None:
    """`fields`: name of the request's field -> its texts. Raises CardNumberRefused, which never repeats the text."""
    found = [name for name, texts in fields.items() if any(map(looks_like_card_number, texts))]
    if found:
        violations = [Violation(name, "looks like a card number", "no_card_number") for name in found]
        raise CardNumberRefused("card numbers are never accepted: send the gateway's token", violations=violations)


def _windows(groups: list[str]) -> Iterator[str]:
    """Every concatenation of consecutive groups that has the length of a card number."""
    for first in range(len(groups)):
        joined = ""
        for group in groups[first:]:
            joined += group
            if len(joined) > DIGITS_MAX:
                break
            if len(joined) >= DIGITS_MIN:
                yield joined


def _is_luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B: from the right, every second digit doubled."""
    values = [int(digit) for digit in reversed(digits)]
    doubled = (sum(divmod(2 * value, 10)) for value in values[1::2])
    return (sum(values[::2]) + sum(doubled)) % 10 == 0
