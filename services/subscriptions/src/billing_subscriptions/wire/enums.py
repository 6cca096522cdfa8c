"""Enums of the contract and of the domain: equal names behind the prefix of the contract's values."""

from enum import StrEnum
from typing import Any, TypeVar

from billing_kernel.errors import Invalid, Violation

E = TypeVar("E", bound=StrEnum)


class UnspecifiedValue(Invalid):
    """A choice that would cost or cancel something was left open."""

    reason = "UNSPECIFIED_VALUE"


class EnumTable:
    """Both ways between a protobuf enum and a StrEnum, complete by assertion; `zero` is the value of 0, if any."""

    def __init__(self, contract: Any, values: type[E], prefix: str, *, zero: E | None = None) -> None:
        self._field = prefix.rstrip("_").lower()
        self._numbers: dict[StrEnum, int] = {
            value: 0 if value is zero else contract.Value(prefix + value.value) for value in values
        }
        self._values: dict[int, StrEnum] = {number: value for value, number in self._numbers.items() if number}
        named = {number for number in contract.values() if number != 0}
        assert set(self._values) == named, f"{prefix}* and {values.__name__} differ"

    def to_pb(self, value: StrEnum) -> Any:
        return self._numbers[value]

    def from_pb(self, number: int) -> Any:
        """Raises UnspecifiedValue for 0 and for a number without a name."""
        if number not in self._values:
            violation = Violation(self._field, "must be a named value", "enum.specified")
            raise UnspecifiedValue(f"{self._field} is not specified", violations=[violation])
        return self._values[number]
