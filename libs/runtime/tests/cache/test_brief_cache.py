"""Answers that may be a little old."""

import asyncio

import pytest
from billing_runtime.brief_cache import BriefCache


class Question:
    def __init__(self):
        self.asked = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self):
        self.asked += 1
        await self.gate.wait()
        return self.asked


async def test_an_answer_counts_for_its_time_and_not_longer():
    question, cache = Question(), BriefCache("test_brief", 0.05)
    assert [await cache.get("key", question) for _ in range(3)] == [1, 1, 1]
    assert await cache.get("other", question) == 2
    await asyncio.sleep(0.06)
    assert await cache.get("key", question) == 3


async def test_askers_share_one_question_and_the_first_may_give_up():
    question, cache = Question(), BriefCache("test_brief_shared", 60)
    question.gate.clear()
    askers = [asyncio.create_task(cache.get("key", question)) for _ in range(10)]
    await asyncio.sleep(0)
    askers[0].cancel()
    question.gate.set()
    assert (await asyncio.gather(*askers, return_exceptions=True))[1:] == [1] * 9


async def test_a_refusal_is_not_kept():
    cache = BriefCache("test_brief_refused", 60)

    async def refuse():
        raise LookupError("no")

    with pytest.raises(LookupError):
        await cache.get("key", refuse)
    await asyncio.sleep(0)
    assert await cache.get("key", Question()) == 1


async def test_it_does_not_grow_beyond_its_size():
    question, cache = Question(), BriefCache("test_brief_size", 60, size_max=2)
    for key in "abc":
        await cache.get(key, question)
    assert await cache.get("a", question) == 4
    assert await cache.get("c", question) == 3
