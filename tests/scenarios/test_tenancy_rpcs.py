"""Every RPC, from its descriptors: ids of other tenants and customers do not exist; each role ends where it should."""

from collections.abc import AsyncIterator, Mapping

import pytest
import pytest_asyncio
from billing_kernel.ids import encode, uuid7
from google.protobuf.message import Message

from tests.scenarios.callers import Caller, refusal
from tests.scenarios.household import Household, household
from tests.scenarios.rpcs import INTERNAL, PUBLIC, Rpc
from tests.scenarios.servers import Servers

# Services that keep only the name of what another service owns: the record stays in the caller's tenant.
OPAQUE = {
    ("CreateCustomer", "seller_id"),
    ("CreateExemption", "customer_id"),
    ("CreatePaymentMethod", "customer_id"),
    ("CreateRegistration", "seller_id"),
}
TAKING_IDS = [(rpc, field) for rpc in PUBLIC for field in rpc.ids]
OF_CUSTOMERS = {"customer_id", "subscription_id", "invoice_id", "payment_id", "payment_method_id"}


def _key(rpc: Rpc, field: str) -> tuple[str, str]:
    return rpc.name, field


def _filters_customers(rpc: Rpc) -> bool:
    """Whether a customer can be named, and need not be."""
    return "customer_id" in rpc.ids and "{customer_id}" not in rpc.in_path


def _title(value: object) -> str:
    return value.name if isinstance(value, Rpc) else str(value)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def one(servers: Servers) -> AsyncIterator[Household]:
    yield await household(servers)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def other(servers: Servers, one: Household) -> AsyncIterator[Household]:
    """The same again, in another tenant: same names, codes, numbers. Nothing of what is asked here touches it."""
    made = await household(servers)
    before = servers.content(made.world.tenant_id)
    yield made
    assert servers.content(made.world.tenant_id) == before


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def customer(one: Household) -> AsyncIterator[Caller]:
    made = one.world.customer(one.own["customer_id"])
    yield made
    await made.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def viewer(one: Household) -> AsyncIterator[Caller]:
    made = one.world.viewer()
    yield made
    await made.close()


def test_the_descriptors_were_read() -> None:
    assert len(PUBLIC) >= 60
    assert len(INTERNAL) >= 6
    assert len(TAKING_IDS) >= 45


@pytest.mark.parametrize(("rpc", "field"), [each for each in TAKING_IDS if _key(*each) not in OPAQUE], ids=_title)
async def test_the_id_of_another_tenant_does_not_exist(one: Household, other: Household, rpc: Rpc, field: str) -> None:
    answer = await _ask(rpc, one.world.admin, {**one.ids, field: other.ids[field]})
    assert answer == await _ask(rpc, one.world.admin, {**one.ids, field: _unknown(other.ids[field])})
    assert answer[0] == "NOT_FOUND" or (answer == ("OK", "nothing") and rpc.name.startswith("List")), answer


@pytest.mark.parametrize("rpc", [rpc for rpc in PUBLIC if rpc.reads and rpc.ids], ids=_title)
async def test_the_own_id_exists(one: Household, rpc: Rpc) -> None:
    expected = ("OK", "something") if rpc.name.startswith("List") else ("OK", "")
    assert await _ask(rpc, one.world.admin, one.ids) == expected


@pytest.mark.parametrize("rpc", PUBLIC, ids=_title)
async def test_a_viewer_reads_and_does_not_write(one: Household, viewer: Caller, rpc: Rpc) -> None:
    code, _ = await refusal(rpc.call(viewer, rpc.request(one.ids)))
    assert (code != "PERMISSION_DENIED") is rpc.reads


@pytest.mark.parametrize("rpc", [rpc for rpc in PUBLIC if not rpc.access.customer], ids=_title)
async def test_a_customer_may_not_call_what_is_not_for_customers(one: Household, customer: Caller, rpc: Rpc) -> None:
    assert (await refusal(rpc.call(customer, rpc.request(one.ids))))[0] == "PERMISSION_DENIED"


@pytest.mark.parametrize(
    ("rpc", "field"),
    [(rpc, field) for rpc, field in TAKING_IDS if rpc.access.customer and field in OF_CUSTOMERS],
    ids=_title,
)
async def test_the_records_of_another_customer_do_not_exist(
    one: Household, customer: Caller, rpc: Rpc, field: str
) -> None:
    answer = await _ask(rpc, customer, {**one.ids, field: one.others[field]})
    if _key(rpc, field) in OPAQUE:
        assert answer[0] == "PERMISSION_DENIED", answer
    else:
        assert answer[0] == "NOT_FOUND" or (answer == ("OK", "nothing") and rpc.name.startswith("List")), answer


@pytest.mark.parametrize(
    "rpc",
    [rpc for rpc in PUBLIC if rpc.access.customer and rpc.name.startswith("List") and _filters_customers(rpc)],
    ids=_title,
)
async def test_lists_hold_only_the_customers_own(one: Household, customer: Caller, rpc: Rpc) -> None:
    """Also without a filter."""
    answer = await rpc.call(customer, rpc.request(dict.fromkeys(one.ids, "")))
    [listed] = [value for field, value in answer.ListFields() if field.name != "next_page_token"]
    assert {each.customer_id for each in listed} == {one.own["customer_id"]}


@pytest.mark.parametrize("rpc", [rpc for rpc in PUBLIC if rpc.access.customer and rpc.reads], ids=_title)
async def test_a_customer_reads_its_own(one: Household, customer: Caller, rpc: Rpc) -> None:
    assert (await _ask(rpc, customer, one.ids))[0] == "OK"


@pytest.mark.parametrize("rpc", INTERNAL, ids=_title)
async def test_people_never_reach_what_is_internal(one: Household, rpc: Rpc) -> None:
    assert (await refusal(rpc.call(one.world.admin, rpc.request(one.ids))))[0] == "PERMISSION_DENIED"


@pytest.mark.parametrize(("rpc", "field"), [each for each in TAKING_IDS if _key(*each) in OPAQUE], ids=_title)
async def test_a_name_of_another_service_tells_and_touches_nothing(
    one: Household, other: Household, rpc: Rpc, field: str
) -> None:
    """Answered like a name that nobody has; the fixture `other` sees to the rest."""
    answer = await _ask(rpc, one.world.admin, {**one.ids, field: other.ids[field]})
    assert answer == await _ask(rpc, one.world.admin, {**one.ids, field: _unknown(other.ids[field])})


async def _ask(rpc: Rpc, caller: Caller, ids: Mapping[str, str]) -> tuple[str, str]:
    """(code, reason) of a refusal, or OK with "nothing" or "something" for lists."""
    answers: list[Message] = []

    async def call() -> None:
        answers.append(await rpc.call(caller, rpc.request(ids)))

    told = await refusal(call())
    if not answers or not rpc.name.startswith("List"):
        return told
    return "OK", "something" if answers[0].ListFields() else "nothing"


def _unknown(known: str) -> str:
    """An id of the same kind that nobody has."""
    prefix, mark, _ = known.partition("_")
    return encode(prefix, uuid7()) if mark else str(uuid7())
