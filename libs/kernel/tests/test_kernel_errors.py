import pytest
from billing_kernel.errors import AlreadyExists, Conflict, DomainError, Invalid, Kind, NotFound, Violation


@pytest.mark.parametrize(
    ("refusal", "kind", "reason"),
    [
        (Invalid, Kind.INVALID, "INVALID"),
        (NotFound, Kind.NOT_FOUND, "NOT_FOUND"),
        (AlreadyExists, Kind.ALREADY_EXISTS, "ALREADY_EXISTS"),
        (Conflict, Kind.CONFLICT, "ETAG_MISMATCH"),
    ],
)
def test_ready_made_refusals(refusal, kind, reason):
    assert (refusal.kind, refusal.reason) == (kind, reason)


def test_a_refusal_carries_message_facts_and_violations():
    violation = Violation("items[2].quantity", "must not be negative", "number.negative")
    refusal = Invalid("bad quantity", facts={"item": "item_1"}, violations=[violation])
    assert str(refusal) == refusal.message == "bad quantity"
    assert refusal.facts == {"item": "item_1"}
    assert refusal.violations == (violation,)
    assert Invalid("x").facts == {}


@pytest.mark.parametrize("kind", Kind)
def test_only_some_kinds_are_worth_repeating(kind):
    refusal = type("Refusal", (DomainError,), {"kind": kind, "reason": "REFUSED"})("no")
    assert refusal.transient == (kind in {Kind.UNAVAILABLE, Kind.DEADLINE, Kind.NOT_CAUGHT_UP})
