"""The contract of the port Gateway, on the sandbox and on the fake."""

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest
from billing_kernel.ids import uuid7
from billing_kernel.money import Money
from billing_payments.domain.attempt import AttemptState, ChargeOrder, Outcome
from billing_payments.domain.errors import GatewayUnclear, UnknownToken
from billing_payments.domain.sandbox import LABELS
from billing_payments.gateways.sandbox import SandboxGateway
from billing_payments.storage.sandbox_book import sandbox_books
from billing_runtime.call import calling

S = AttemptState


def order(token):
    return ChargeOrder(uuid7(), uuid7(), Money("EUR", 4900), token)


class GatewayContract:
    """Fixtures of a subclass: `gateway`, and `captures(payment_id)`, which reads the gateway's own book."""

    @pytest.mark.parametrize("token", LABELS)
    async def test_known_tokens_have_a_label(self, gateway, token):
        attached = await gateway.attach(token)
        assert attached.token == token
        assert attached.label

    @pytest.mark.parametrize("token", ["", "tok", "4242424242424242", "tok_succeeds "])
    async def test_unknown_tokens(self, gateway, token):
        with pytest.raises(UnknownToken):
            await gateway.attach(token)

    @pytest.mark.parametrize(
        ("token", "state", "code", "captured"),
        [
            ("tok_succeeds", S.SUCCEEDED, "", 1),
            ("tok_soft_decline_then_succeeds", S.SOFT_DECLINED, "insufficient_funds", 0),
            ("tok_hard_decline", S.HARD_DECLINED, "card_stolen", 0),
            ("tok_requires_3ds", S.REQUIRES_ACTION, "", 0),
        ],
    )
    async def test_first_attempts(self, gateway, captures, token, state, code, captured):
        wanted = order(token)
        outcome = await gateway.charge(wanted)
        assert (outcome.state, outcome.decline_code) == (state, code)
        assert outcome.reference
        assert await gateway.charge(wanted) == outcome
        assert await captures(wanted.payment_id) == captured
        if state is not S.REQUIRES_ACTION:
            assert await gateway.query(wanted.attempt_id) == outcome

    async def test_the_second_attempt_of_a_softly_declined_payment_succeeds(self, gateway):
        first = order("tok_soft_decline_then_succeeds")
        await gateway.charge(first)
        second = replace(first, attempt_id=uuid7())
        assert (await gateway.charge(second)).state is S.SUCCEEDED
        assert (await gateway.query(first.attempt_id)).state is S.SOFT_DECLINED

    async def test_the_same_order_many_times_at_once_is_captured_once(self, gateway, captures):
        wanted = order("tok_succeeds")
        outcomes = await asyncio.gather(*(gateway.charge(wanted) for _ in range(8)))
        assert len(set(outcomes)) == 1
        assert await captures(wanted.payment_id) == 1

    async def test_an_attempt_that_it_never_heard_of(self, gateway):
        assert await gateway.query(uuid7()) is None

    async def test_a_time_out_after_charging(self, gateway, captures):
        wanted = order("tok_timeout_after_charge")
        with pytest.raises(GatewayUnclear):
            await gateway.charge(wanted)
        with suppress(GatewayUnclear):  # a repeated order may be answered or not, but never charged again
            await gateway.charge(wanted)
        assert (await gateway.query(wanted.attempt_id)).state is S.SUCCEEDED
        assert await captures(wanted.payment_id) == 1

    async def test_after_authentication_the_charge_is_found(self, gateway, captures):
        wanted = order("tok_requires_3ds")
        await gateway.charge(wanted)
        assert (await gateway.query(wanted.attempt_id)).state is S.SUCCEEDED
        assert (await gateway.query(wanted.attempt_id)).state is S.SUCCEEDED
        assert await captures(wanted.payment_id) == 1

    @pytest.mark.parametrize("change", [{"amount": Money("EUR", 1)}, {"payment_id": uuid7()}])
    async def test_an_attempt_id_stands_for_one_order(self, gateway, captures, change):
        wanted = order("tok_succeeds")
        await gateway.charge(wanted)
        other = replace(wanted, **change)
        with pytest.raises(GatewayUnclear):
            await gateway.charge(other)
        assert await captures(wanted.payment_id) == 1
        assert await captures(other.payment_id) == (1 if other.payment_id == wanted.payment_id else 0)


class TestSandbox(GatewayContract):
    @pytest.fixture
    def gateway(self, payments):
        @asynccontextmanager
        async def open_book():
            with calling(payments.call):
                async with books() as book:
                    yield book

        books = sandbox_books(payments.database)
        return SandboxGateway(open_book)

    @pytest.fixture
    def captures(self, payments):
        async def count(payment_id):
            return await payments.captures(type("Named", (), {"id": payment_id}))

        return count


class TestFake(GatewayContract):
    @pytest.fixture
    def gateway(self, fake):
        charged = Outcome(S.SUCCEEDED, "fake")
        fake.script = {
            "tok_succeeds": [charged],
            "tok_soft_decline_then_succeeds": [Outcome(S.SOFT_DECLINED, "fake", "insufficient_funds"), charged],
            "tok_hard_decline": [Outcome(S.HARD_DECLINED, "fake", "card_stolen")],
            "tok_requires_3ds": [Outcome(S.REQUIRES_ACTION, "fake")],
            "tok_timeout_after_charge": [GatewayUnclear("timed out")],
        }
        return fake

    @pytest.fixture
    def captures(self, fake):
        return fake.captures
