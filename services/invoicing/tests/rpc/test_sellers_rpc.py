"""SellersService: every method, good and bad."""

import pytest
from billing.common.v1 import party_pb2, tax_facts_pb2
from billing.invoicing.v1 import sellers_service_pb2 as pb
from billing_kernel.ids import encode, uuid7
from google.protobuf.field_mask_pb2 import FieldMask
from grpc import StatusCode

PARTY = party_pb2.Party(
    name="Max", company="ACME GmbH", address=party_pb2.Address(line1="Ring 1", city="Wien", country_code="AT")
)
NOWHERE = party_pb2.Party(name="Max", address=party_pb2.Address(country_code="QQ"))
VAT = tax_facts_pb2.TaxId(type=tax_facts_pb2.TAX_ID_TYPE_EU_VAT, value="ATU12345675")
UNKNOWN = encode("sel", uuid7())


def create(prefix="ACME", **changes):
    fields = {"party": PARTY, "tax_ids": [VAT], "time_zone": "Europe/Vienna", "number_prefix": prefix, "footer": "IBAN"}
    return pb.CreateSellerRequest(**(fields | changes))


def update(seller_id, *paths, **fields):
    return pb.UpdateSellerRequest(seller_id=seller_id, update_mask=FieldMask(paths=paths), **fields)


@pytest.fixture
async def made(admin):
    return (await admin.sellers.CreateSeller(create())).seller


async def test_the_first_seller_is_the_default(admin, made, books):
    second = (await admin.sellers.CreateSeller(create("SECOND", time_zone=""))).seller
    assert (made.is_default, second.is_default) == (True, False)
    assert (made.party, list(made.tax_ids), made.footer, made.etag) == (PARTY, [VAT], "IBAN", "1")
    assert second.time_zone == "UTC"
    first, _ = await books.events("SellerCreated")
    assert (first.seller.seller_id, first.seller.country_code, first.seller.is_default) == (made.seller_id, "AT", True)
    assert "ACME GmbH" not in str(first)


async def test_a_repeated_create_gives_the_first_answer_with_its_party(admin, tenant_id, books):
    first = await admin.sellers.CreateSeller(create(), "key-1")
    again = await admin.sellers.CreateSeller(create(), "key-1")
    assert again == first
    assert await books.one("SELECT count(*) FROM seller") == 1


async def test_the_same_key_for_another_seller_is_refused(admin, refused):
    await admin.sellers.CreateSeller(create(), "key-1")
    refusal = await refused(admin.sellers.CreateSeller(create("OTHER"), "key-1"))
    assert (refusal.code, refusal.reason) == (StatusCode.ALREADY_EXISTS, "IDEMPOTENCY_KEY_REUSED")


async def test_a_prefix_belongs_to_one_seller_of_a_tenant(admin, stranger, made, refused):
    refusal = await refused(admin.sellers.CreateSeller(create()))
    assert (refusal.code, refusal.reason) == (StatusCode.ALREADY_EXISTS, "NUMBER_PREFIX_TAKEN")
    assert (await stranger.sellers.CreateSeller(create())).seller.is_default


@pytest.mark.parametrize(
    ("request_", "reason", "field"),
    [
        (create(time_zone="Mars/Base"), "UNKNOWN_TIME_ZONE", None),
        (create(prefix="acme"), "VALIDATION_FAILED", "number_prefix"),
        (create(prefix=""), "VALIDATION_FAILED", "number_prefix"),
        (pb.CreateSellerRequest(number_prefix="X"), "VALIDATION_FAILED", "party"),
        (create(footer="a\x00b"), "VALIDATION_FAILED", "footer"),
        (create(tax_ids=[VAT] * 6), "VALIDATION_FAILED", "tax_ids"),
        (create(party=party_pb2.Party(name="x")), "VALIDATION_FAILED", "party.address"),
        (create(metadata={"a b": "x"}), "VALIDATION_FAILED", None),
        (create(party=NOWHERE), "INVALID_PARTY", "party.address.country_code"),
    ],
)
async def test_bad_sellers(admin, refused, request_, reason, field):
    refusal = await refused(admin.sellers.CreateSeller(request_))
    assert (refusal.code, refusal.reason) == (StatusCode.INVALID_ARGUMENT, reason)
    assert field is None or field in refusal.fields


async def test_get(admin, viewer, made):
    assert (await admin.sellers.GetSeller(pb.GetSellerRequest(seller_id=made.seller_id))).seller == made
    masked = pb.GetSellerRequest(seller_id=made.seller_id, read_mask=FieldMask(paths=["number_prefix"]))
    found = (await viewer.sellers.GetSeller(masked)).seller
    assert (found.number_prefix, found.seller_id) == ("ACME", "")


async def test_of_another_tenant_nothing_is_there(stranger, made, refused):
    for call in (
        stranger.sellers.GetSeller(pb.GetSellerRequest(seller_id=made.seller_id)),
        stranger.sellers.UpdateSeller(update(made.seller_id, "footer", footer="mine")),
    ):
        refusal = await refused(call)
        assert (refusal.code, refusal.reason) == (StatusCode.NOT_FOUND, "SELLER_NOT_FOUND")
    assert not (await stranger.sellers.ListSellers(pb.ListSellersRequest())).sellers


async def test_roles(viewer, client_of, tenant_id, made, refused):
    customer = client_of(tenant_id, "customer", uuid7())
    for call in (
        viewer.sellers.CreateSeller(create("V")),
        viewer.sellers.UpdateSeller(update(made.seller_id, "footer", footer="x")),
        customer.sellers.GetSeller(pb.GetSellerRequest(seller_id=made.seller_id)),
        customer.sellers.ListSellers(pb.ListSellersRequest()),
    ):
        assert (await refused(call)).code is StatusCode.PERMISSION_DENIED


async def test_pages(admin, refused):
    names = [(await admin.sellers.CreateSeller(create(f"S{number}"))).seller.seller_id for number in range(3)]
    first = await admin.sellers.ListSellers(pb.ListSellersRequest(page_size=2))
    rest = await admin.sellers.ListSellers(pb.ListSellersRequest(page_size=2, page_token=first.next_page_token))
    assert [seller.seller_id for seller in (*first.sellers, *rest.sellers)] == names
    assert rest.next_page_token == ""
    refusal = await refused(admin.sellers.ListSellers(pb.ListSellersRequest(page_token="nonsense")))
    assert (refusal.code, refusal.reason) == (StatusCode.INVALID_ARGUMENT, "INVALID_PAGE_TOKEN")
    refusal = await refused(admin.sellers.ListSellers(pb.ListSellersRequest(page_size=10**9)))
    assert refusal.fields == ("page_size",)


async def test_an_update_changes_what_the_mask_names(admin, made, books):
    changed = update(made.seller_id, "footer", "metadata", footer="new", metadata={"a": "b"}, etag=made.etag)
    after = (await admin.sellers.UpdateSeller(changed)).seller
    assert (after.footer, dict(after.metadata), after.party, after.etag) == ("new", {"a": "b"}, PARTY, "2")
    other = party_pb2.Party(name="Eva", address=party_pb2.Address(country_code="DE"))
    moved = update(made.seller_id, "party", "tax_ids", party=other)
    after = (await admin.sellers.UpdateSeller(moved)).seller
    assert (after.party, list(after.tax_ids), after.footer, after.number_prefix) == (other, [], "new", "ACME")
    last = (await books.events("SellerUpdated"))[-1]
    assert (last.seller.version, last.seller.country_code) == (3, "DE")
    assert (await admin.sellers.GetSeller(pb.GetSellerRequest(seller_id=made.seller_id))).seller == after


async def test_a_repeated_update_gives_the_party_of_then(admin, made):
    other = party_pb2.Party(name="Eva", address=party_pb2.Address(country_code="DE"))
    request = update(made.seller_id, "footer", footer="new")
    first = await admin.sellers.UpdateSeller(request, "key-u")
    await admin.sellers.UpdateSeller(update(made.seller_id, "party", party=other))
    assert await admin.sellers.UpdateSeller(request, "key-u") == first


@pytest.mark.parametrize(
    ("paths", "fields", "code", "reason"),
    [
        (["footer"], {"etag": "9"}, StatusCode.ABORTED, "ETAG_MISMATCH"),
        (["number_prefix"], {}, StatusCode.INVALID_ARGUMENT, "INVALID_UPDATE_MASK"),
        (["is_default"], {}, StatusCode.INVALID_ARGUMENT, "INVALID_UPDATE_MASK"),
        ([], {}, StatusCode.INVALID_ARGUMENT, "INVALID_UPDATE_MASK"),
        (["party"], {}, StatusCode.INVALID_ARGUMENT, "INVALID"),
        (["footer"], {"seller_id": UNKNOWN}, StatusCode.NOT_FOUND, "SELLER_NOT_FOUND"),
        (["footer"], {"seller_id": "sel_x"}, StatusCode.INVALID_ARGUMENT, "VALIDATION_FAILED"),
    ],
)
async def test_bad_updates(admin, made, refused, paths, fields, code, reason):
    named = {"seller_id": made.seller_id} | fields
    refusal = await refused(admin.sellers.UpdateSeller(update(named.pop("seller_id"), *paths, **named)))
    assert (refusal.code, refusal.reason) == (code, reason)
