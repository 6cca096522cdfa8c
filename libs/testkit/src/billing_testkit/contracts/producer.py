"""The contract of the `Producer` port. Subclass it, give the fixtures `producer` and `read_back`."""

from collections.abc import Awaitable, Callable, Sequence
from uuid import uuid4

import pytest
from billing_runtime.events import Record
from billing_runtime.producer import Producer

ReadBack = Callable[[str, int], Awaitable[Sequence[Record]]]


class ProducerContract:
    """`topic` exists; `read_back(topic, count)` returns the records of the topic, in the order of each key."""

    @pytest.fixture
    def topic(self) -> str:
        return f"contract-{uuid4().hex[:8]}"

    async def test_records_arrive_whole(self, producer: Producer, read_back: ReadBack, topic: str) -> None:
        sent = Record(topic, b"key", b"\x00value", [("ce_id", b"1"), ("traceparent", b"t")])
        await producer.send([sent])
        assert list(await read_back(topic, 1)) == [sent]

    async def test_records_of_a_key_keep_their_order(self, producer: Producer, read_back: ReadBack, topic: str) -> None:
        sent = [Record(topic, b"key-%d" % (number % 7), b"%d" % number, []) for number in range(2000)]
        await producer.send(sent[:1500])
        await producer.send(sent[1500:])
        arrived = await read_back(topic, len(sent))
        for key in {record.key for record in sent}:
            assert [r.value for r in arrived if r.key == key] == [r.value for r in sent if r.key == key]

    async def test_an_empty_batch_is_nothing(self, producer: Producer) -> None:
        await producer.send([])
