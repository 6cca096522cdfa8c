"""Every refusal of the catalogue: products, features, plan versions, add-ons, coupons, prices, catalogue files.

INVALID          InvalidPlanTerms, InvalidAddOn, InvalidCoupon, InvalidCatalog
NOT_FOUND        ProductNotFound, FeatureNotFound, AddOnNotFound, CouponNotFound, PriceNotFound
ALREADY_EXISTS   ProductCodeTaken, FeatureCodeTaken, AddOnCodeTaken, CouponCodeTaken
PRECONDITION     PlanArchived, PlanVersionArchived, ProductArchived, FeatureArchived, AddOnArchived, CouponArchived,
                 ProductMissing and FeatureMissing (the same reasons as not found: something names them),
                 AddOnNotAllowed, CouponExpired, CouponExhausted, CouponNotApplicable, CouponApplied, PriceInUse,
                 CatalogTooLarge
"""

from billing_kernel.errors import AlreadyExists, DomainError, Invalid, Kind, NotFound


class InvalidPlanTerms(Invalid):
    """Rules of a plan version that contradict themselves or its items; the violations say where."""

    reason = "INVALID_PLAN_TERMS"


class InvalidAddOn(Invalid):
    """An add-on whose quantities or conditions contradict themselves."""

    reason = "INVALID_ADD_ON"


class InvalidCoupon(Invalid):
    """A coupon that gives nothing, or two things."""

    reason = "INVALID_COUPON"


class InvalidCatalog(Invalid):
    """A catalogue that names a thing twice."""

    reason = "INVALID_CATALOG"


class ProductNotFound(NotFound):
    """No such product."""

    reason = "PRODUCT_NOT_FOUND"


class FeatureNotFound(NotFound):
    """No such feature."""

    reason = "FEATURE_NOT_FOUND"


class AddOnNotFound(NotFound):
    reason = "ADD_ON_NOT_FOUND"


class CouponNotFound(NotFound):
    reason = "COUPON_NOT_FOUND"


class PriceNotFound(NotFound):
    reason = "PRICE_NOT_FOUND"


class ProductCodeTaken(AlreadyExists):
    reason = "PRODUCT_CODE_TAKEN"


class FeatureCodeTaken(AlreadyExists):
    reason = "FEATURE_CODE_TAKEN"


class AddOnCodeTaken(AlreadyExists):
    reason = "ADD_ON_CODE_TAKEN"


class CouponCodeTaken(AlreadyExists):
    reason = "COUPON_CODE_TAKEN"


class _Precondition(DomainError):
    kind = Kind.PRECONDITION


class PlanArchived(_Precondition):
    """An archived plan is sold no more and takes no new versions."""

    reason = "PLAN_ARCHIVED"


class PlanVersionArchived(_Precondition):
    """An archived plan version is sold no more."""

    reason = "PLAN_VERSION_ARCHIVED"


class ProductArchived(_Precondition):
    """An archived product is changed no more."""

    reason = "PRODUCT_ARCHIVED"


class FeatureArchived(_Precondition):
    """An archived feature is changed no more."""

    reason = "FEATURE_ARCHIVED"


class AddOnArchived(_Precondition):
    """An archived add-on is sold no more."""

    reason = "ADD_ON_ARCHIVED"


class CouponArchived(_Precondition):
    """An archived coupon is changed no more."""

    reason = "COUPON_ARCHIVED"


class ProductMissing(_Precondition):
    """An item names a product that does not exist, or is archived."""

    reason = "PRODUCT_NOT_FOUND"


class FeatureMissing(_Precondition):
    """An entitlement names a feature that does not exist, or is archived."""

    reason = "FEATURE_NOT_FOUND"


class AddOnNotAllowed(_Precondition):
    """The rules of the add-on do not let this subscription take it; `rule` names the one."""

    reason = "ADD_ON_NOT_ALLOWED"


class CouponExpired(_Precondition):
    """The coupon could be redeemed until an instant that has passed."""

    reason = "COUPON_EXPIRED"


class CouponExhausted(_Precondition):
    """The coupon was redeemed as often as it can be, in all or by this customer."""

    reason = "COUPON_EXHAUSTED"


class CouponNotApplicable(_Precondition):
    """The coupon is limited to other plans or items."""

    reason = "COUPON_NOT_APPLICABLE"


class CouponApplied(_Precondition):
    """The subscription has the coupon already."""

    reason = "COUPON_APPLIED"


class PriceInUse(_Precondition):
    """A price that has an id never changes: leave the id out, and a new version gets a new price."""

    reason = "PRICE_IN_USE"


class CatalogTooLarge(_Precondition):
    """More than one answer can hold: read it by the lists."""

    reason = "CATALOG_TOO_LARGE"
