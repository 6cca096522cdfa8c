"""ProductsService and FeaturesService over gRPC: the same life twice."""

import pytest
from billing.subscriptions.v1 import features_service_pb2 as features
from billing.subscriptions.v1 import products_service_pb2 as products
from billing_kernel.ids import encode, uuid7
from google.protobuf.field_mask_pb2 import FieldMask

KINDS = [("Product", "products", "prod", products), ("Feature", "features", "feat", features)]
EACH = pytest.mark.parametrize(("kind", "stub", "prefix", "pb"), KINDS, ids=[kind for kind, *_ in KINDS])


class Shelf:
    """Calls of one of the two services."""

    def __init__(self, client, kind, stub, pb):
        self.client, self.kind, self.stub, self.pb = client, kind, stub, pb

    async def call(self, verb, key=None, **fields):
        request = getattr(self.pb, f"{verb}{self.kind}Request")(**fields)
        return getattr(await self.client.call(self.stub, f"{verb}{self.kind}", request, key), self.kind.lower())

    def id(self, of):
        return {f"{self.kind.lower()}_id": getattr(of, f"{self.kind.lower()}_id")}

    async def codes(self, **fields):
        request = getattr(self.pb, f"List{self.kind}sRequest")(**fields)
        answer = await self.client.call(self.stub, f"List{self.kind}s", request)
        return [each.code for each in getattr(answer, f"{self.kind.lower()}s")], answer.next_page_token


@EACH
async def test_they_are_made_read_listed_changed_and_archived(admin, refused, kind, stub, prefix, pb):
    shelf = Shelf(admin, kind, stub, pb)
    made = await shelf.call("Create", "k", code="api", name="API", description="Calls", metadata={"a": "1"})
    assert await shelf.call("Create", "k", code="api", name="API", description="Calls", metadata={"a": "1"}) == made
    assert (made.code, made.description, made.etag, made.HasField("archive_time")) == ("api", "Calls", "v1", False)
    assert await shelf.call("Get", **shelf.id(made)) == made
    for code in ("b", "c"):
        await shelf.call("Create", code=code, name=code)
    first, token = await shelf.codes(page_size=2)
    rest, end = await shelf.codes(page_size=2, page_token=token)
    assert ({*first, *rest}, end) == ({"api", "b", "c"}, "")
    assert await shelf.codes(code="b") == (["b"], "")
    mask = FieldMask(paths=["name"])
    changed = await shelf.call("Update", **shelf.id(made), name="New", update_mask=mask, etag="v1")
    assert (changed.name, changed.description, changed.etag) == ("New", "Calls", "v2")
    assert (await refused(shelf.call("Update", **shelf.id(made), name="x", update_mask=mask, etag="v1"))).reason == (
        "ETAG_MISMATCH"
    )
    assert (await refused(shelf.call("Update", **shelf.id(made), name=" ", update_mask=mask))).reason == "INVALID_NAME"
    archived = await shelf.call("Archive", **shelf.id(made))
    assert archived.HasField("archive_time")
    assert await shelf.call("Archive", **shelf.id(made)) == archived
    refusal = await refused(shelf.call("Update", **shelf.id(made), name="x", update_mask=mask))
    assert (refusal.code, refusal.reason) == ("FAILED_PRECONDITION", f"{kind.upper()}_ARCHIVED")
    assert "api" not in (await shelf.codes())[0]
    assert "api" in (await shelf.codes(include_archived=True))[0]


@EACH
async def test_what_is_refused(admin, client_of, refused, tenant_id, kind, stub, prefix, pb):
    shelf = Shelf(admin, kind, stub, pb)
    await shelf.call("Create", code="api", name="API")
    refusal = await refused(shelf.call("Create", code="api", name="API"))
    assert (refusal.code, refusal.reason) == ("ALREADY_EXISTS", f"{kind.upper()}_CODE_TAKEN")
    for fields in ({"code": "A", "name": "x"}, {"code": "x", "name": ""}):
        assert (await refused(shelf.call("Create", **fields))).reason == "VALIDATION_FAILED"
    foreign = await Shelf(client_of(uuid7()), kind, stub, pb).call("Create", code="api", name="API")
    for unknown in ({f"{kind.lower()}_id": encode(prefix, uuid7())}, shelf.id(foreign)):
        assert (await refused(shelf.call("Get", **unknown))).reason == f"{kind.upper()}_NOT_FOUND"
        assert (await refused(shelf.call("Archive", **unknown))).reason == f"{kind.upper()}_NOT_FOUND"
    viewer = Shelf(client_of(tenant_id, "billing_viewer"), kind, stub, pb)
    assert (await refused(viewer.call("Create", code="y", name="y"))).code == "PERMISSION_DENIED"
