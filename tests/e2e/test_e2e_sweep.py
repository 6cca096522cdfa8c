"""Every public RPC of the contract against bad requests made from its descriptor: never a fault of the server.

Also new RPCs: they are swept from the day on which they are in the descriptors.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from grpc import StatusCode

from tests.e2e.answers import Answer
from tests.e2e.contract import Rpc, rpcs
from tests.e2e.ways import Caller, Direct, headers
from tests.e2e.world import World

DEPTH_MAX = 4
AT_ONCE = 8
RANDOM_SIZES = (1, 7, 64, 4096)
TEXTS = ("\x00", "x" * 10_000, "' or 1=1; --", "../../etc/passwd", "\u202e\ufffd𝔘", "-1", "1e309", "NaN")
INTEGERS = {"minimum": 0, "maximum": 1, "minus one": 2}
F = FieldDescriptor
WIDE = (F.TYPE_INT64, F.TYPE_SINT64, F.TYPE_SFIXED64)
NARROW = (F.TYPE_INT32, F.TYPE_SINT32, F.TYPE_SFIXED32, F.TYPE_ENUM)


def requests(rpc: Rpc, ids: dict[str, str]) -> Iterator[tuple[str, bytes]]:
    """(what it is, bytes): bounded, and the same in every run."""
    yield "empty", b""
    chance = random.Random(rpc.name)
    yield from ((f"{size} random bytes", chance.randbytes(size)) for size in RANDOM_SIZES)
    for text in (*TEXTS, *(ids[word] for word in ("customer", "plan", "invoice"))):
        yield f"text {text[:20]!r}", filled(rpc.request(), text, 1).SerializeToString()
    for name, choice in INTEGERS.items():
        yield f"integers {name}", filled(rpc.request(), ids["customer"], choice).SerializeToString()
    for name, seconds in (("beyond year 9999", 1 << 60), ("before year 1", -(1 << 60)), ("year 1", -62135596800)):
        yield f"times {name}", filled(rpc.request(), "x", 1, seconds).SerializeToString()


def filled(message: Message, text: str, choice: int, seconds: int = 0, depth: int = 0) -> Message:
    """The message with a value in every field: `text` in strings, an extreme in integers, one item in lists."""
    for field in message.DESCRIPTOR.fields:
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            getattr(message, field.name)[text] = text
        elif field.message_type is not None:
            if depth < DEPTH_MAX:
                _fill_message(message, field, text, choice, seconds, depth)
        elif field.is_repeated:
            getattr(message, field.name).append(_value(field, text, choice))
        else:
            setattr(message, field.name, _value(field, text, choice))
    return message


def _fill_message(message: Message, field: FieldDescriptor, text: str, choice: int, seconds: int, depth: int) -> None:
    inner = getattr(message, field.name).add() if field.is_repeated else getattr(message, field.name)
    inner.SetInParent()
    if field.message_type.full_name == "google.protobuf.Timestamp":
        inner.seconds, inner.nanos = seconds, (0, (1 << 31) - 1, -1)[choice] if not seconds else 0
    else:
        filled(inner, text, choice, seconds, depth + 1)


def _value(field: FieldDescriptor, text: str, choice: int) -> object:
    if field.type == F.TYPE_STRING:
        return text
    if field.type == F.TYPE_BYTES:
        return text.encode()
    if field.type == F.TYPE_BOOL:
        return True
    if field.type in WIDE:
        return (-(1 << 63), (1 << 63) - 1, -1)[choice]
    assert field.type in NARROW, f"{field.full_name}: a type that the sweep does not know"
    return (-(1 << 31), (1 << 31) - 1, -1)[choice]


@pytest.mark.parametrize("way", ["direct", "grpc"])
async def test_no_request_is_a_fault_of_the_server(way: str, ways: dict[str, Direct], world: World):
    limit = asyncio.Semaphore(AT_ONCE)

    async def sweep(rpc: Rpc, what: str, raw: bytes) -> str:
        async with limit:
            answer = await ways[way].send(rpc, raw, headers(world.tokens["admin"], rpc))
        return fault(rpc, what, answer)

    sent = [sweep(rpc, what, raw) for rpc in rpcs().values() for what, raw in requests(rpc, dict(world.ids))]
    assert len(sent) > 500
    assert [found for found in await asyncio.gather(*sent) if found] == []


def fault(rpc: Rpc, what: str, answer: Answer) -> str:
    """What the server did wrong; empty when it did not."""
    wrong = answer.is_server_fault or answer.code in (StatusCode.UNAVAILABLE, StatusCode.DEADLINE_EXCEEDED)
    if wrong or answer.leak:
        return f"{rpc.name}, {what}: {answer.code.name} {answer.reason} {answer.leak} {answer.text[:200]}"
    return ""


async def test_the_mesh_still_works_afterwards(direct: Direct, world: World):
    call = Caller(direct, world.tokens["admin"])
    assert (await call("GetInvoice", invoice_id=world.ids["invoice"]))["invoice"]["state"] == "INVOICE_STATE_PAID"
    assert (await call("GetPlan", plan_id=world.ids["plan"]))["plan"]["code"] == "cloud"
