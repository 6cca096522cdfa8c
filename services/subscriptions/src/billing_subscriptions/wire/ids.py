"""Ids as the wire shows them: prefix and base32 outside, UUID inside."""

from functools import lru_cache, partial
from uuid import UUID

from billing_kernel.ids import decode, encode

from billing_subscriptions.domain.catalog_errors import (
    AddOnNotFound,
    CouponNotFound,
    FeatureNotFound,
    PriceNotFound,
    ProductNotFound,
)
from billing_subscriptions.domain.errors import (
    CustomerNotFound,
    PartyNotFound,
    PlanNotFound,
    PlanVersionNotFound,
    SubscriptionNotFound,
)

# A chunk of renewals names each of its subscriptions, items and customers several times.
customer_text = lru_cache(maxsize=4096)(partial(encode, "cus"))
party_text = partial(encode, "party")
# The ids of what is sold are few and asked for with every charge.
plan_text = lru_cache(maxsize=4096)(partial(encode, "plan"))
version_text = lru_cache(maxsize=4096)(partial(encode, "pv"))
plan_item_text = lru_cache(maxsize=4096)(partial(encode, "item"))
price_text = lru_cache(maxsize=4096)(partial(encode, "price"))
subscription_text = lru_cache(maxsize=4096)(partial(encode, "sub"))
item_text = lru_cache(maxsize=16384)(partial(encode, "si"))
run_text = partial(encode, "run")
scheduled_text = partial(encode, "chg")
redemption_text = partial(encode, "red")
coupon_text = partial(encode, "cpn")

customer_uuid = partial(decode, "cus")
party_uuid = partial(decode, "party")
plan_uuid = partial(decode, "plan")
version_uuid = partial(decode, "pv")
subscription_uuid = partial(decode, "sub")
run_uuid = partial(decode, "run")
invoice_uuid = partial(decode, "inv")
payment_method_uuid = partial(decode, "pm")
scheduled_uuid = partial(decode, "chg")
redemption_uuid = partial(decode, "red")
product_text = partial(encode, "prod")
feature_text = partial(encode, "feat")
add_on_text = partial(encode, "addon")
add_on_version_text = lru_cache(maxsize=4096)(partial(encode, "av"))
product_uuid = partial(decode, "prod")
feature_uuid = partial(decode, "feat")
add_on_uuid = partial(decode, "addon")
coupon_uuid = partial(decode, "cpn")
price_uuid = partial(decode, "price")

NOT_FOUND = {
    "cus": CustomerNotFound,
    "party": PartyNotFound,
    "plan": PlanNotFound,
    "pv": PlanVersionNotFound,
    "sub": SubscriptionNotFound,
    "prod": ProductNotFound,
    "feat": FeatureNotFound,
    "addon": AddOnNotFound,
    "cpn": CouponNotFound,
    "price": PriceNotFound,
}


def seller_text(seller_id: UUID | None) -> str:
    """Empty for the tenant's default seller."""
    return encode("sel", seller_id) if seller_id else ""


def seller_uuid(text: str) -> UUID | None:
    return decode("sel", text) if text else None
