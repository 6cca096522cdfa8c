"""Customers with parents: who stands above whom, and who pays.

`line` is always the customers above, nearest first. A parent pays only where the customer says so; a parent that pays
may itself be paid for, and then the topmost payer does.
"""

from collections.abc import Sequence
from uuid import UUID

from billing_kernel.errors import Violation
from billing_kernel.money import CurrencyMismatch

from billing_subscriptions.domain.customer import Customer, CustomerState, Terms
from billing_subscriptions.domain.errors import (
    CustomerArchived,
    CustomerCycle,
    CustomerPaysForOthers,
    HierarchyTooDeep,
    InvalidParent,
)

DEPTH_MAX = 5  # customers one above the other, the topmost and the lowest included


def check_parent(
    customer_id: UUID, terms: Terms, seller_id: UUID | None, line: Sequence[Customer], *, below: int = 0
) -> None:
    """Whether a customer may have the parent that its terms name: `line[0]`. `below`: how many levels hang under it.

    Raises InvalidParent, CustomerCycle, HierarchyTooDeep, CustomerArchived, CurrencyMismatch.
    """
    if terms.parent_id is None:
        if terms.billed_to_parent:
            raise _invalid("billed_to_parent", "nobody pays for a customer without a parent")
        return
    if any(each.id == customer_id for each in line):
        raise CustomerCycle(
            "a customer does not stand above itself", violations=[_violation("is the customer itself, or below it")]
        )
    if len(line) + 1 + below > DEPTH_MAX:
        facts = {"depth": str(len(line) + 1 + below), "limit": str(DEPTH_MAX)}
        raise HierarchyTooDeep(f"at most {DEPTH_MAX} customers stand above one another", facts=facts)
    if line[0].state is CustomerState.ARCHIVED:
        raise CustomerArchived("an archived customer becomes nobody's parent")
    if terms.billed_to_parent:
        _check_payer(terms, seller_id, line[0])


def check_pays(before: Customer, after: Terms, *, pays_for: int) -> None:
    """Who pays for others keeps the currency in which it does. Raises CustomerPaysForOthers."""
    if pays_for and after.currency != before.terms.currency:
        raise CustomerPaysForOthers(
            "a customer that pays for others keeps its currency", facts={"customers": str(pays_for)}
        )


def _check_payer(terms: Terms, seller_id: UUID | None, parent: Customer) -> None:
    if parent.terms.currency != terms.currency:
        facts = {"customer": terms.currency, "parent": parent.terms.currency}
        raise CurrencyMismatch("a parent pays in its own currency", facts=facts)
    if parent.seller_id != seller_id:
        raise _invalid("parent_customer_id", "the parent that pays is billed by another seller")


def _invalid(field: str, text: str) -> InvalidParent:
    return InvalidParent(text, violations=[Violation(field, text, "customer.parent")])


def _violation(text: str) -> Violation:
    return Violation("parent_customer_id", text, "customer.cycle")
