"""Starts that wait for their first payment, and what a subscription that is past due still permits."""

import asyncio
from datetime import timedelta
from fractions import Fraction

import pytest
from billing.payments.v1.payments_service_pb2 import ConfirmPaymentRequest
from billing.subscriptions.v1.entitlements_service_pb2 import (
    ENTITLEMENT_REASON_GRANTED,
    ENTITLEMENT_REASON_PAST_DUE,
    ENTITLEMENT_REASON_SUBSCRIPTION_NOT_RUNNING,
    CheckEntitlementRequest,
    EntitlementReason,
)
from billing.subscriptions.v1.entitlements_service_pb2_grpc import EntitlementsServiceStub
from billing.subscriptions.v1.features_service_pb2 import CreateFeatureRequest
from billing.subscriptions.v1.features_service_pb2_grpc import FeaturesServiceStub
from billing.subscriptions.v1.policy_pb2 import PAST_DUE_ACCESS_ESSENTIAL, Entitlement, PlanTerms
from billing.subscriptions.v1.subscription_pb2 import (
    SUBSCRIPTION_STATE_ACTIVE,
    SUBSCRIPTION_STATE_CANCELED,
    SUBSCRIPTION_STATE_EXPIRED,
    SUBSCRIPTION_STATE_INCOMPLETE,
    SUBSCRIPTION_STATE_PAST_DUE,
)
from billing.subscriptions.v1.subscriptions_service_pb2 import CANCEL_AT_NOW

from tests.scenarios.catalogue import flat
from tests.scenarios.life_checks import check_book, check_end
from tests.scenarios.life_oracle import Account, Fee, at
from tests.scenarios.life_play import Life
from tests.scenarios.servers import Servers
from tests.scenarios.world import instant

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

START, NEXT, LATER = at("2025-06-10 09:00"), at("2025-07-10 09:00"), at("2025-08-10 09:00")
GATE = timedelta(hours=23)
CARDS = {"paul": "tok_succeeds", "dora": "tok_requires_3ds", "nora": "tok_hard_decline", "olga": "tok_hard_decline"}
STALE_S = 1.0  # a check is never further behind a committed change


async def gated(life: Life) -> str:
    """The version: two features, of which one remains while past due."""
    features = FeaturesServiceStub(life.world.admin.channels["subscriptions"])
    for code in ("read", "write"):
        await features.CreateFeature(CreateFeatureRequest(code=code, name=code.title()))
    grants = [Entitlement(feature_code="read", essential=True), Entitlement(feature_code="write")]
    terms = PlanTerms(past_due_access=PAST_DUE_ACCESS_ESSENTIAL, entitlements=grants)
    return await life.version("basic", [flat("base", "10.01")], terms=terms)


async def may(life: Life, name: str, feature: str) -> tuple[bool, EntitlementReason.ValueType]:
    await asyncio.sleep(STALE_S)
    stub = EntitlementsServiceStub(life.world.admin.channels["subscriptions"])
    asked = CheckEntitlementRequest(customer_id=life.customers[name], feature_code=feature)
    answer = await stub.CheckEntitlement(asked)
    return answer.allowed, answer.reason


def two_months() -> Account:
    account = Account()
    account.bill(START, Fee("base", START, NEXT, Fraction("10.01")))
    account.bill(NEXT, Fee("base", NEXT, LATER, Fraction("10.01")))
    return account


def void_month() -> Account:
    """Neither a debt nor a credit is left of what was never paid."""
    account = Account()
    account.bill(START, Fee("base", START, NEXT, Fraction("10.01")), state="VOID")
    return account


async def test_gated_starts_run_once_they_are_paid_and_expire_otherwise(servers: Servers) -> None:
    async with Life.open(servers, START) as life:
        version_id = await gated(life)
        for name, card in CARDS.items():
            await life.customer(name, card=card)
            made = await life.start(name, name, version_id, payment_gated=True)
            assert made.state == SUBSCRIPTION_STATE_INCOMPLETE
            assert instant(made.incomplete_expire_time) == START + GATE
        assert (await life.get("paul")).state == SUBSCRIPTION_STATE_ACTIVE
        assert await may(life, "paul", "write") == (True, ENTITLEMENT_REASON_GRANTED)
        assert await may(life, "nora", "read") == (False, ENTITLEMENT_REASON_SUBSCRIPTION_NOT_RUNNING)

        await life.until(START + timedelta(hours=1))
        assert (await life.cancel("olga", cancel_at=CANCEL_AT_NOW, credit=True)).state == SUBSCRIPTION_STATE_CANCELED

        await life.until(START + GATE - timedelta(minutes=1))
        assert (await life.get("nora")).state == SUBSCRIPTION_STATE_INCOMPLETE
        payment = (await life.world.payments(life.customers["dora"]))[-1]
        asker = life.world.customer(life.customers["dora"])
        await asker.payments.ConfirmPayment(ConfirmPaymentRequest(payment_id=payment.payment_id))
        await asker.close()
        await life.world.settle()
        await life.until(START + GATE)
        assert (await life.get("dora")).state == SUBSCRIPTION_STATE_ACTIVE
        assert (await life.get("nora")).state == SUBSCRIPTION_STATE_EXPIRED
        assert not (await may(life, "nora", "read"))[0]

        await life.until(NEXT + timedelta(hours=1))
        await check_book(life, "paul", "gate_paul", two_months())
        await check_book(life, "nora", "gate_nora", void_month())
        await check_book(life, "olga", "gate_olga", void_month())
        await check_end(life)
        await check_end(life)


async def test_past_due_keeps_what_is_essential_until_it_is_paid(servers: Servers) -> None:
    async with Life.open(servers, START) as life:
        version_id = await gated(life)
        await life.customer("sofia", card="tok_soft_decline_then_succeeds")
        await life.start("sofia", "sofia", version_id)
        await life.until(START + timedelta(hours=1))
        assert (await life.get("sofia")).state == SUBSCRIPTION_STATE_PAST_DUE
        assert await may(life, "sofia", "read") == (True, ENTITLEMENT_REASON_GRANTED)
        assert await may(life, "sofia", "write") == (False, ENTITLEMENT_REASON_PAST_DUE)
        await life.until(START + timedelta(days=4))
        assert (await life.get("sofia")).state == SUBSCRIPTION_STATE_ACTIVE
        assert await may(life, "sofia", "write") == (True, ENTITLEMENT_REASON_GRANTED)
        assert (await life.get("sofia", START + timedelta(days=1))).state == SUBSCRIPTION_STATE_PAST_DUE
        account = Account()
        account.bill(START, Fee("base", START, NEXT, Fraction("10.01")))
        await check_book(life, "sofia", "gate_sofia", account)
        await check_end(life)
        await check_end(life)
