"""PaymentMethodsService over gRPC, on PostgreSQL."""

import asyncio

import grpc
import pytest
from billing.payments.v1 import payment_method_pb2
from billing.payments.v1 import payment_methods_service_pb2 as pb
from billing_kernel.ids import decode, encode, uuid7
from google.protobuf.field_mask_pb2 import FieldMask

CODE = grpc.StatusCode
NONE = "pm_01jx0000000000000000000000"


def wanted(**changes):
    fields = {"customer_id": encode("cus", uuid7()), "token": "tok_succeeds"}
    return pb.CreatePaymentMethodRequest(**(fields | changes))


async def create(client, request=None, key=None, **changes):
    answer = await client("methods", "CreatePaymentMethod", request or wanted(**changes), key)
    return answer.payment_method


async def get(client, method):
    request = pb.GetPaymentMethodRequest(payment_method_id=method.payment_method_id)
    return (await client("methods", "GetPaymentMethod", request)).payment_method


async def update(client, method, *paths, key=None, etag="", **changes):
    mask = FieldMask(paths=paths)
    fields = {"payment_method_id": method.payment_method_id, "update_mask": mask, "etag": etag}
    request = pb.UpdatePaymentMethodRequest(**fields, **changes)
    return (await client("methods", "UpdatePaymentMethod", request, key)).payment_method


async def detach(client, method, etag="", key=None):
    request = pb.DetachPaymentMethodRequest(payment_method_id=method.payment_method_id, etag=etag)
    return (await client("methods", "DetachPaymentMethod", request, key)).payment_method


async def test_create_and_get(admin, viewer):
    request = wanted(metadata={"team": "red"})
    made = await create(admin, request)
    assert made.customer_id == request.customer_id
    assert (made.gateway, made.label, made.is_default, made.etag) == ("sandbox", "Sandbox: succeeds", True, "v1")
    assert (made.state, dict(made.metadata)) == (payment_method_pb2.PAYMENT_METHOD_STATE_ATTACHED, {"team": "red"})
    assert await get(viewer, made) == made
    mask = FieldMask(paths=["label"])
    masked = await viewer(
        "methods",
        "GetPaymentMethod",
        pb.GetPaymentMethodRequest(payment_method_id=made.payment_method_id, read_mask=mask),
    )
    assert masked.payment_method == payment_method_pb2.PaymentMethod(label="Sandbox: succeeds")


async def test_only_the_first_becomes_the_default_also_when_many_come_at_once(admin):
    request = wanted()
    made = await asyncio.gather(*(create(admin, request) for _ in range(6)))
    assert sorted(method.is_default for method in made) == [False] * 5 + [True]


async def test_a_key_gives_the_first_answer_again(admin, refused):
    request = wanted()
    assert await create(admin, request, "key") == await create(admin, request, "key")
    refusal = await refused(create(admin, key="key"))
    assert (refusal.code, refusal.reason) == (CODE.ALREADY_EXISTS, "IDEMPOTENCY_KEY_REUSED")


@pytest.mark.parametrize(
    ("changes", "reason", "fields"),
    [
        ({"gateway": "stripes"}, "UNKNOWN_GATEWAY", ()),
        ({"token": "tok_nothing"}, "UNKNOWN_TOKEN", ()),
        ({"token": "4242424242424242"}, "CARD_NUMBER_REFUSED", ("token",)),
        ({"label": "4242 4242 4242 4242"}, "CARD_NUMBER_REFUSED", ("label",)),
        ({"metadata": {"card": "378282246310005"}}, "CARD_NUMBER_REFUSED", ("metadata",)),
        ({"metadata": {"4242-4242-4242-4242": "x"}}, "CARD_NUMBER_REFUSED", ("metadata",)),
        ({"token": ""}, "VALIDATION_FAILED", ("token",)),
        ({"token": "x" * 201}, "VALIDATION_FAILED", ("token",)),
        ({"token": "tok\x00"}, "VALIDATION_FAILED", ("token",)),
        ({"customer_id": ""}, "VALIDATION_FAILED", ("customer_id",)),
        ({"customer_id": NONE}, "VALIDATION_FAILED", ("customer_id",)),
        ({"gateway": "Sandbox"}, "VALIDATION_FAILED", ("gateway",)),
        ({"label": "x" * 61}, "VALIDATION_FAILED", ("label",)),
        ({"metadata": {f"k{i}": "" for i in range(51)}}, "VALIDATION_FAILED", ("metadata",)),
    ],
)
async def test_refused_methods(admin, refused, changes, reason, fields):
    refusal = await refused(create(admin, **changes))
    assert (refusal.code, refusal.reason, refusal.fields) == (CODE.INVALID_ARGUMENT, reason, fields)
    assert "4242424242424242" not in refusal.text
    assert not (await admin("methods", "ListPaymentMethods", pb.ListPaymentMethodsRequest())).payment_methods


async def test_list_by_pages(admin, viewer, refused):
    made = [await create(admin) for _ in range(5)]
    request, found = pb.ListPaymentMethodsRequest(page_size=2), []
    while True:
        page = await viewer("methods", "ListPaymentMethods", request)
        found += page.payment_methods
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert found == made
    mine = pb.ListPaymentMethodsRequest(customer_id=made[3].customer_id)
    assert list((await viewer("methods", "ListPaymentMethods", mine)).payment_methods) == [made[3]]
    bad = pb.ListPaymentMethodsRequest(page_token="x")
    assert (await refused(viewer("methods", "ListPaymentMethods", bad))).reason == "INVALID_PAGE_TOKEN"
    huge = pb.ListPaymentMethodsRequest(page_size=10**9)
    assert (await refused(viewer("methods", "ListPaymentMethods", huge))).fields == ("page_size",)


async def test_update_labels(admin):
    made = await create(admin, label="old", metadata={"a": "b"})
    changed = await update(admin, made, "label", label="new", metadata={"c": "d"}, etag="v1")
    assert (changed.label, dict(changed.metadata), changed.etag) == ("new", {"a": "b"}, "v2")
    changed = await update(admin, made, "label", "metadata", metadata={"c": "d"}, key="key")
    assert (changed.label, dict(changed.metadata), changed.etag) == ("", {"c": "d"}, "v3")
    assert await get(admin, made) == changed


async def test_the_default_moves(admin, refused):
    first = await create(admin)
    second = await create(admin, customer_id=first.customer_id)
    moved = await update(admin, second, "is_default", is_default=True)
    assert moved.is_default
    assert not (await get(admin, first)).is_default
    refusal = await refused(update(admin, second, "is_default"))
    assert (refusal.code, refusal.reason) == (CODE.INVALID_ARGUMENT, "DEFAULT_REQUIRED")


async def test_defaults_moved_both_ways_at_once_leave_one(admin):
    first = await create(admin)
    second = await create(admin, customer_id=first.customer_id)
    moves = [update(admin, each, "is_default", is_default=True) for each in (first, second) * 4]
    await asyncio.gather(*moves)
    assert [(await get(admin, each)).is_default for each in (first, second)].count(True) == 1


@pytest.mark.parametrize(
    ("paths", "changes", "code", "reason"),
    [
        ([], {}, CODE.INVALID_ARGUMENT, "INVALID_UPDATE_MASK"),
        (["token"], {}, CODE.INVALID_ARGUMENT, "INVALID_UPDATE_MASK"),
        (["label"], {"etag": "v9"}, CODE.ABORTED, "ETAG_MISMATCH"),
        (["label"], {"label": "4242424242424242"}, CODE.INVALID_ARGUMENT, "CARD_NUMBER_REFUSED"),
        (["metadata"], {"metadata": {"a": "4242424242424242"}}, CODE.INVALID_ARGUMENT, "CARD_NUMBER_REFUSED"),
    ],
)
async def test_refused_updates(admin, refused, paths, changes, code, reason):
    made = await create(admin)
    refusal = await refused(update(admin, made, *paths, **changes))
    assert (refusal.code, refusal.reason) == (code, reason)
    assert await get(admin, made) == made


async def test_detach(admin, refused):
    made = await create(admin)
    other = await create(admin, customer_id=made.customer_id)
    assert (await refused(detach(admin, made, "v9"))).reason == "ETAG_MISMATCH"
    gone = await detach(admin, made, "v1", "key")
    assert (gone.state, gone.is_default, gone.etag) == (
        payment_method_pb2.PAYMENT_METHOD_STATE_DETACHED,
        False,
        "v2",
    )
    assert await detach(admin, made, "v1", "key") == gone
    assert not (await get(admin, other)).is_default
    for again in (detach(admin, made), update(admin, made, "label", label="x")):
        refusal = await refused(again)
        assert (refusal.code, refusal.reason) == (CODE.FAILED_PRECONDITION, "PAYMENT_METHOD_DETACHED")


async def test_what_is_told(admin, payments):
    made = await create(admin)
    await detach(admin, made)
    assert await payments.told() == ["PaymentMethodAttached", "PaymentMethodDetached"]


async def test_unknown_and_foreign_ids(admin, client_of, refused):
    made, stranger = await create(admin), client_of(uuid7())
    nothing = payment_method_pb2.PaymentMethod(payment_method_id=NONE)
    for client, method in ((stranger, made), (admin, nothing)):
        for call in (get(client, method), update(client, method, "label"), detach(client, method)):
            refusal = await refused(call)
            assert (refusal.code, refusal.reason) == (CODE.NOT_FOUND, "PAYMENT_METHOD_NOT_FOUND")
    assert not (await stranger("methods", "ListPaymentMethods", pb.ListPaymentMethodsRequest())).payment_methods


async def test_a_customer_sees_and_makes_its_own(admin, client_of, tenant_id, refused):
    me = uuid7()
    customer = client_of(tenant_id, "customer", me)
    theirs, mine = await create(admin), await create(customer, customer_id=encode("cus", me))
    assert list((await customer("methods", "ListPaymentMethods", pb.ListPaymentMethodsRequest())).payment_methods) == [
        mine
    ]
    refusal = await refused(create(customer, customer_id=theirs.customer_id))
    assert (refusal.code, refusal.reason) == (CODE.PERMISSION_DENIED, "PERMISSION_DENIED")
    for call in (get(customer, theirs), update(customer, theirs, "label"), detach(customer, theirs)):
        assert (await refused(call)).reason == "PAYMENT_METHOD_NOT_FOUND"
    assert (await update(customer, mine, "label", label="x")).label == "x"
    assert not (await detach(customer, mine)).is_default


async def test_a_viewer_only_reads(viewer, admin, refused):
    made = await create(admin)
    for call in (create(viewer), update(viewer, made, "label"), detach(viewer, made)):
        assert (await refused(call)).code is CODE.PERMISSION_DENIED


async def test_the_token_stays_inside(admin, payments):
    made = await create(admin)
    assert "tok_succeeds" not in str(made)
    method_id = decode("pm", made.payment_method_id)
    found = await payments.in_transaction(lambda uow: uow.methods([method_id]))
    assert found[method_id].token == "tok_succeeds"
