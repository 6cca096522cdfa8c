"""Imports <-> their messages."""

from dataclasses import replace
from datetime import datetime

from billing.common.v1 import item_error_pb2
from billing.subscriptions.v1 import imports_service_pb2 as pb
from billing_kernel.errors import DomainError, Violation

from billing_subscriptions.domain.errors import InvalidImport
from billing_subscriptions.domain.importing import Imported
from billing_subscriptions.operations.create_subscription import Sold
from billing_subscriptions.operations.import_subscription import ImportDone, ImportOrder, NewCustomer, Outcome
from billing_subscriptions.wire.changes import add_ons_from_pb, overrides_from_pb, quantities_from_pb
from billing_subscriptions.wire.customers import party_from_pb, terms_from_pb
from billing_subscriptions.wire.enums import EnumTable
from billing_subscriptions.wire.ids import customer_text, seller_uuid, subscription_text, version_uuid
from billing_subscriptions.wire.policies import alignment_from_pb
from billing_subscriptions.wire.subscriptions import STATES
from billing_subscriptions.wire.times import optional_time, time_from_pb

OUTCOMES = EnumTable(pb.ImportOutcome, Outcome, "IMPORT_OUTCOME_")


def order_from_pb(item: pb.ImportItem) -> ImportOrder:
    """Of an item whose rules hold.

    Raises InvalidImport, InvalidQuantity, InvalidChange, InvalidPrice, UnspecifiedValue.
    """
    return ImportOrder(
        external_customer_id=item.external_customer_id,
        customer=_customer(item) if item.HasField("customer") else None,
        sold=_sold(item),
        imported=_imported(item) if item.external_subscription_id else None,
    )


def _customer(item: pb.ImportItem) -> NewCustomer:
    given = item.customer
    if given.external_id not in ("", item.external_customer_id):
        raise _invalid("customer.external_id", "is another one than the item's")
    terms = replace(terms_from_pb(given), external_id=item.external_customer_id)
    return NewCustomer(terms, party_from_pb(given.party), seller_uuid(given.seller_id))


def _sold(item: pb.ImportItem) -> Sold:
    if item.external_subscription_id and bool(item.plan_version_id) == bool(item.plan_code):
        raise _invalid("plan_code", "or the plan version is needed, and only one of them")
    version_id = version_uuid(item.plan_version_id) if item.plan_version_id else None
    return Sold(version_id, item.plan_code, item.currency_code)


def _imported(item: pb.ImportItem) -> Imported:
    return Imported(
        external_id=item.external_subscription_id,
        start_at=_at(item, "start_time"),
        state=STATES.from_pb(item.state) if item.state else None,
        trial_end_at=_at(item, "trial_end_time"),
        billed_until=_at(item, "billed_until_time"),
        quantities=quantities_from_pb(item.quantities),
        add_ons=add_ons_from_pb(item.add_ons),
        overrides=overrides_from_pb(item.price_overrides),
        coupons=_coupons(item),
        alignment=alignment_from_pb(item.alignment) if item.HasField("alignment") else None,
        ends_at=_at(item, "end_time"),
        cancel_at=_at(item, "cancel_time"),
        cancel_at_period_end=item.cancel_at_period_end,
        resume_at=_at(item, "resume_time"),
        metadata=dict(item.metadata),
    )


def _coupons(item: pb.ImportItem) -> dict[str, int | None]:
    """Code -> periods left."""
    found: dict[str, int | None] = {}
    for index, each in enumerate(item.coupons):
        if each.coupon_code in found:
            raise _invalid(f"coupons[{index}].coupon_code", "is named twice")
        found[each.coupon_code] = each.periods_left or None
    return found


def _at(item: pb.ImportItem, name: str) -> datetime | None:
    """The instant of a field; None where it is not set."""
    return time_from_pb(getattr(item, name)) if item.HasField(name) else None  # type: ignore[arg-type]  # all are times


def result_to_pb(done: ImportDone | DomainError, *, dry_run: bool) -> pb.ImportResult:
    """A dry run names only what is there already."""
    if isinstance(done, DomainError):
        field = done.violations[0].field if done.violations else ""
        error = item_error_pb2.ItemError(reason=done.reason, message=done.message, field=field)
        return pb.ImportResult(outcome=OUTCOMES.to_pb(Outcome.REFUSED), error=error)
    shown = not dry_run or done.outcome is Outcome.EXISTING
    return pb.ImportResult(
        outcome=OUTCOMES.to_pb(done.outcome),
        customer_id=customer_text(done.customer_id) if shown else "",
        subscription_id=subscription_text(done.subscription_id) if shown and done.subscription_id else "",
        next_due_time=optional_time(done.next_due_at),
    )


def _invalid(field: str, text: str) -> InvalidImport:
    return InvalidImport(f"{field} {text}", violations=[Violation(field, text, "import")])
