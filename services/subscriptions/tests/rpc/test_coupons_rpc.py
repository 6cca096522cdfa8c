"""CouponsService over gRPC."""

import catalog_requests as ask
import pytest
import subscriptions_requests as requests
from billing.common.v1.money_pb2 import Money
from billing.subscriptions.v1 import add_ons_service_pb2, coupon_pb2
from billing.subscriptions.v1 import coupons_service_pb2 as pb
from billing_kernel.ids import encode, uuid7
from google.protobuf.field_mask_pb2 import FieldMask


async def create(client, code="spring", metadata=None, **terms):
    request = pb.CreateCouponRequest(code=code, terms=ask.coupon(**terms), metadata=metadata or {})
    return (await client.coupons("CreateCoupon", request)).coupon


async def update(client, coupon, *paths, etag="", metadata=None, **terms):
    request = pb.UpdateCouponRequest(
        coupon_id=coupon.coupon_id,
        terms=ask.coupon(**terms),
        metadata=metadata or {},
        update_mask=FieldMask(paths=paths),
        etag=etag,
    )
    return (await client.coupons("UpdateCoupon", request)).coupon


def euros(minor):
    return Money(currency_code="EUR", amount_minor=minor)


AMOUNTS = [euros(500), Money(currency_code="USD", amount_minor=600)]
PERIODS = coupon_pb2.COUPON_DURATION_PERIODS


async def test_a_coupon_is_made_read_changed_and_archived(admin, refused):
    await requests.make_version(admin, requests.SEATS)
    made = await create(
        admin,
        percent="",
        amounts=AMOUNTS,
        duration=PERIODS,
        duration_periods=3,
        redeem_by_time={"seconds": 2_000_000_000},
        max_redemptions=10,
        max_redemptions_per_customer=1,
        plan_codes=["pro"],
        item_codes=["seats"],
    )
    assert (made.code, made.redemptions, made.etag, list(made.terms.amounts)) == ("spring", 0, "v1", AMOUNTS)
    assert (made.terms.duration_periods, made.terms.max_redemptions, list(made.terms.item_codes)) == (3, 10, ["seats"])
    read = pb.GetCouponRequest(coupon_id=made.coupon_id)
    assert (await admin.coupons("GetCoupon", read)).coupon == made
    changed = await update(admin, made, "terms", etag="v1", percent="12.5")
    assert (changed.terms.percent, list(changed.terms.amounts), changed.etag) == ("12.5", [], "v2")
    assert await update(admin, made, "terms", percent="12.5") == changed
    labelled = await update(admin, made, "metadata", metadata={"a": "1"})
    assert (dict(labelled.metadata), labelled.terms) == ({"a": "1"}, changed.terms)
    assert (await refused(update(admin, made, "terms", etag="v1"))).reason == "ETAG_MISMATCH"
    archive = pb.ArchiveCouponRequest(coupon_id=made.coupon_id)
    archived = (await admin.coupons("ArchiveCoupon", archive)).coupon
    assert (await admin.coupons("ArchiveCoupon", archive)).coupon == archived
    assert (await refused(update(admin, made, "terms", percent="1"))).reason == "COUPON_ARCHIVED"
    assert not (await admin.coupons("ListCoupons", pb.ListCouponsRequest())).coupons
    (listed,) = (await admin.coupons("ListCoupons", pb.ListCouponsRequest(include_archived=True))).coupons
    assert listed == archived


REFUSED = [
    ({"percent": ""}, "INVALID_COUPON", "terms.percent"),
    ({"amounts": [euros(1)]}, "INVALID_COUPON", "terms.percent"),
    ({"percent": "0"}, "INVALID_COUPON", "terms.percent"),
    ({"percent": "100.5"}, "INVALID_COUPON", "terms.percent"),
    ({"percent": "101"}, "VALIDATION_FAILED", "terms.percent"),
    ({"percent": "", "amounts": [euros(1), euros(2)]}, "INVALID_COUPON", "terms.amounts"),
    ({"percent": "", "amounts": [euros(0)]}, "INVALID_COUPON", "terms.amounts"),
    (
        {"percent": "", "amounts": [Money(currency_code="ZZZ", amount_minor=1)]},
        "UNKNOWN_CURRENCY",
        "terms.amounts[0].currency_code",
    ),
    ({"duration": PERIODS}, "INVALID_COUPON", "terms.duration_periods"),
    ({"duration_periods": 2}, "INVALID_COUPON", "terms.duration_periods"),
    ({"duration": coupon_pb2.COUPON_DURATION_UNSPECIFIED}, "VALIDATION_FAILED", "terms.duration"),
    ({"max_redemptions": -1}, "VALIDATION_FAILED", "terms.max_redemptions"),
]


@pytest.mark.parametrize(
    ("terms", "reason", "field"), REFUSED, ids=[f"{r}-{f}-{i}" for i, (_, r, f) in enumerate(REFUSED)]
)
async def test_terms_that_are_refused_by_their_field(admin, refused, terms, reason, field):
    refusal = await refused(create(admin, **terms))
    assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", reason)
    assert field in refusal.fields


async def test_unknown_and_foreign_ones_are_not_found_and_codes_are_taken_once(admin, client_of, refused):
    foreign = await create(client_of(uuid7()))
    for coupon_id in (foreign.coupon_id, encode("cpn", uuid7())):
        calls = (
            ("GetCoupon", pb.GetCouponRequest(coupon_id=coupon_id)),
            ("ArchiveCoupon", pb.ArchiveCouponRequest(coupon_id=coupon_id)),
            ("ListCouponRedemptions", pb.ListCouponRedemptionsRequest(coupon_id=coupon_id)),
        )
        for method, request in calls:
            assert (await refused(admin.coupons(method, request))).reason == "COUPON_NOT_FOUND"
    await create(admin)
    assert (await refused(create(admin))).reason == "COUPON_CODE_TAKEN"


async def test_customers_cannot_read_coupons(admin, client_of, refused, tenant_id):
    made = await create(admin)
    customer = client_of(tenant_id, "customer", uuid7())
    refusal = await refused(customer.coupons("GetCoupon", pb.GetCouponRequest(coupon_id=made.coupon_id)))
    assert refusal.code == "PERMISSION_DENIED"


async def test_a_coupon_names_plans_and_items_that_exist(admin, refused):
    await requests.make_version(admin, requests.SEATS)
    add_on = add_ons_service_pb2.CreateAddOnRequest(code="support", content=ask.content())
    await admin.add_ons("CreateAddOn", add_on)
    made = await create(admin, plan_codes=["pro"], item_codes=["seats", "support"])
    for wrong, fields in (
        ({"plan_codes": ["pro", "seats"]}, {"terms.plan_codes[1]"}),
        ({"plan_codes": ["none"], "item_codes": ["pro", "seats", "none"]}, None),
    ):
        for call in (create(admin, "other", **wrong), update(admin, made, "terms", **wrong)):
            refusal = await refused(call)
            assert refusal.reason == "INVALID_COUPON"
            wanted = fields or {"terms.plan_codes[0]", "terms.item_codes[0]", "terms.item_codes[2]"}
            assert set(refusal.fields) == wanted
    assert len((await admin.coupons("ListCoupons", pb.ListCouponsRequest())).coupons) == 1
