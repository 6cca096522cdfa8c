"""Every case of the table, over gRPC and over REST: the expected refusal, no effect, nothing of the inside."""

from __future__ import annotations

import pytest

from tests.e2e import bad_catalog, bad_input
from tests.e2e.answers import Answer
from tests.e2e.bad_input import EVENTS
from tests.e2e.cases import KEYLESS, NO_FORM, Case, event
from tests.e2e.contract import rpc
from tests.e2e.rows import Unmoved
from tests.e2e.ways import Caller, Direct, Rest, Way, headers
from tests.e2e.world import World

CASES = (*bad_input.CASES, *bad_catalog.CASES)


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


@pytest.mark.parametrize("way", ["direct", "rest"])
async def test_events_are_refused_one_by_one(way: str, ways: dict[str, Way], world: World, unmoved: Unmoved):
    sent = [world.fill({**event(n), **changes}) for n, (_, changes, _) in enumerate(EVENTS)]
    answer = await Caller(ways[way], world.tokens["admin"])("IngestEvents", events=sent)
    named = zip(EVENTS, answer["results"], strict=True)
    got = {name: (each["outcome"], each["error"]["reason"]) for (name, _, _), each in named}
    assert got == {name: ("EVENT_OUTCOME_REJECTED", reason) for name, _, reason in EVENTS}
    await unmoved.check()
