"""Every case of the table, over gRPC and over REST: the expected refusal, no effect, nothing of the inside."""

from __future__ import annotations

import pytest

from tests.e2e.answers import Answer
from tests.e2e.bad_input import CASES
from tests.e2e.cases import KEYLESS, NO_FORM, Case
from tests.e2e.contract import rpc
from tests.e2e.rows import Unmoved
from tests.e2e.ways import Direct, Rest, headers
from tests.e2e.world import World


def sent_headers(case: Case, world: World) -> dict[str, str]:
    given = headers(world.tokens[case.who], rpc(case.rpc))
    if case.key:
        given.pop("idempotency-key")
    return given if case.key in ("", KEYLESS) else {**given, "idempotency-key": case.key}


def assert_refused(case: Case, answer: Answer, reason: str):
    assert (answer.reason, answer.leak) == (reason, ""), f"{answer.code} {answer.http} {answer.text[:500]}"
    if case.field and reason == case.reason:
        assert case.field in answer.fields


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_grpc(case: Case, direct: Direct, world: World, unmoved: Unmoved):
    answer = await direct.answer(case.rpc, world.fill(case.request), sent_headers(case, world))
    assert_refused(case, answer, case.reason)
    assert answer.code is case.code
    await unmoved.check()


@pytest.mark.parametrize("case", [case for case in CASES if case.rest != NO_FORM], ids=lambda case: case.name)
async def test_rest(case: Case, rest: Rest, world: World, unmoved: Unmoved):
    answer = await rest.answer(case.rpc, world.fill(case.request), sent_headers(case, world))
    status, reason = case.http
    assert_refused(case, answer, reason)
    assert answer.http == status
    await unmoved.check()
