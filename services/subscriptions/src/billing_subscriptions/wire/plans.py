"""Plans and their versions <-> their messages."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from billing.subscriptions.v1 import catalog_pb2, plan_pb2, plans_service_pb2, policy_pb2
from billing_kernel.decimals import parse_decimal
from billing_kernel.errors import DomainError, Violation

from billing_subscriptions.domain.catalog_errors import InvalidPlanTerms
from billing_subscriptions.domain.etag import etag_of
from billing_subscriptions.domain.plan import NewVersion, Plan, PlanVersion, PlanVersionState
from billing_subscriptions.domain.plan_item import check_currency
from billing_subscriptions.domain.policy import PlanTerms
from billing_subscriptions.wire.enums import EnumTable
from billing_subscriptions.wire.ids import plan_text, version_text
from billing_subscriptions.wire.plan_items import new_item_from_pb, plan_item_to_pb
from billing_subscriptions.wire.policies import proration_from_pb
from billing_subscriptions.wire.terms import entitlement_from_pb, terms_from_pb, terms_to_pb
from billing_subscriptions.wire.times import interval_from_pb, interval_to_pb, optional_time, time_to_pb

VERSION_STATES = EnumTable(plan_pb2.PlanVersionState, PlanVersionState, "PLAN_VERSION_STATE_")
VersionRequest = (
    plans_service_pb2.CreatePlanVersionRequest
    | plans_service_pb2.UpdatePlanVersionRequest
    | catalog_pb2.CatalogPlanVersion
)
T = TypeVar("T")


def version_from_pb(given: VersionRequest) -> NewVersion:
    """Raises InvalidPlanTerms, UnspecifiedValue."""
    return NewVersion(
        currency=given.currency_code,
        interval=interval_from_pb(given.interval),
        items=[new_item_from_pb(item) for item in given.items],
        trial_days=given.trial_days,
        terms=checked_terms(given.terms),
    )


def checked_terms(given: policy_pb2.PlanTerms) -> PlanTerms:
    """The terms. Raises InvalidPlanTerms and UnknownCurrency that name what cannot be read."""
    for index, each in enumerate(given.minimum_commitments):
        check_currency(f"terms.minimum_commitments[{index}].amount.currency_code", each.amount.currency_code)
    _read_at("terms.proration", partial(proration_from_pb, given.proration))
    for index, rule in enumerate(given.change_rules):
        _read_at(f"terms.change_rules[{index}].proration", partial(proration_from_pb, rule.proration))
    for index, phase in enumerate(given.phases):
        path = f"terms.phases[{index}].discount_percent"
        _read_at(path, partial(parse_decimal, phase.discount_percent or "0"))
    for index, grant in enumerate(given.entitlements):
        _read_at(f"terms.entitlements[{index}].metered.limit", partial(entitlement_from_pb, grant))
    return _read_at("terms", partial(terms_from_pb, given))


def _read_at(path: str, read: Callable[[], T]) -> T:
    try:
        return read()
    except InvalidPlanTerms:
        raise
    except DomainError as error:
        found = [Violation(f"{path}.{each.field}", each.description, each.rule) for each in error.violations]
        broken = found or [Violation(path, error.message, error.reason)]
        raise InvalidPlanTerms(f"{broken[0].field}: {broken[0].description}", violations=broken) from error


def plan_to_pb(plan: Plan) -> plan_pb2.Plan:
    return plan_pb2.Plan(
        plan_id=plan_text(plan.id),
        code=plan.code,
        name=plan.name,
        current_version_id=version_text(plan.current_version_id) if plan.current_version_id else "",
        metadata=plan.metadata,
        etag=etag_of(plan.version),
        create_time=time_to_pb(plan.created_at),
        update_time=time_to_pb(plan.updated_at),
        archive_time=optional_time(plan.archived_at),
    )


def version_to_pb(version: PlanVersion) -> plan_pb2.PlanVersion:
    return plan_pb2.PlanVersion(
        plan_version_id=version_text(version.id),
        plan_id=plan_text(version.plan_id),
        number=version.number,
        state=VERSION_STATES.to_pb(version.state),
        currency_code=version.currency,
        interval=interval_to_pb(version.interval),
        trial_days=version.trial_days,
        items=map(plan_item_to_pb, version.items),
        create_time=time_to_pb(version.created_at),
        publish_time=optional_time(version.published_at),
        terms=terms_to_pb(version.terms),
        archive_time=optional_time(version.archived_at),
    )
