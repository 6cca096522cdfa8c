"""What the operations of the catalogue need of storage. Lists give at most `limit` rows behind the key `after`."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from billing_subscriptions.domain.add_on import AddOn
from billing_subscriptions.domain.coupon import Coupon, Redemption
from billing_subscriptions.domain.named import N
from billing_subscriptions.domain.price import SoldPrice


class NamedStore(Protocol[N]):
    """Products, or features."""

    async def add(self, named: N) -> None:
        """Raises ProductCodeTaken, FeatureCodeTaken."""

    async def save(self, named: N) -> None: ...

    async def lock(self, named_id: UUID) -> N:
        """Raises ProductNotFound, FeatureNotFound."""

    async def get(self, named_id: UUID) -> N:
        """Raises ProductNotFound, FeatureNotFound."""

    async def by_codes(self, codes: Iterable[str], *, lock: bool = False) -> Mapping[str, N]:
        """Archived ones too."""

    async def page(self, *, code: str, archived: bool, after: UUID | None, limit: int) -> Sequence[N]: ...


class AddOns(Protocol):
    async def add(self, add_on: AddOn) -> None:
        """With its version. Raises AddOnCodeTaken."""

    async def save(self, add_on: AddOn, *, new_version: bool) -> None:
        """With its version where that is new."""

    async def lock(self, add_on_id: UUID) -> AddOn:
        """Raises AddOnNotFound."""

    async def get(self, add_on_id: UUID) -> AddOn:
        """Raises AddOnNotFound."""

    async def by_codes(self, codes: Iterable[str], *, lock: bool = False) -> Mapping[str, AddOn]:
        """Their current versions; archived ones too."""

    async def versions(self, version_ids: Iterable[UUID]) -> Mapping[UUID, AddOn]:
        """Add-ons as of these versions of them."""

    async def page(self, *, code: str, archived: bool, after: UUID | None, limit: int) -> Sequence[AddOn]: ...


class Coupons(Protocol):
    async def add(self, coupon: Coupon) -> None:
        """Raises CouponCodeTaken."""

    async def save(self, coupon: Coupon) -> None:
        """Everything but the count of redemptions."""

    async def lock(self, coupon_id: UUID) -> Coupon:
        """Raises CouponNotFound."""

    async def get(self, coupon_id: UUID) -> Coupon:
        """Raises CouponNotFound."""

    async def by_code(self, code: str) -> Coupon:
        """Raises CouponNotFound, also for an archived one."""

    async def by_codes(self, codes: Iterable[str], *, lock: bool = False) -> Mapping[str, Coupon]:
        """Archived ones too."""

    async def page(self, *, code: str, archived: bool, after: UUID | None, limit: int) -> Sequence[Coupon]: ...

    async def redeem(self, coupon_id: UUID, customer_id: UUID, subscription_id: UUID, at: datetime) -> Redemption:
        """Counts one more redemption, under the limits, until the transaction ends in whichever way.

        Raises CouponNotFound, CouponExpired, CouponExhausted.
        """

    async def redemptions(
        self, coupon_id: UUID, *, customer_id: UUID | None, after: UUID | None, limit: int
    ) -> Sequence[Redemption]:
        """Raises CouponNotFound."""


class Prices(Protocol):
    async def get(self, price_id: UUID) -> SoldPrice:
        """Raises PriceNotFound."""
