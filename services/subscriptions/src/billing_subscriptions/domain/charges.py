"""Charges and credits: what one item costs for one service period, or gives back of it, with the explanation."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from uuid import UUID, uuid5

from billing_kernel.money import ExactAmount, Money
from billing_kernel.period import Period
from billing_pricing import Adjustments, Flat, PerUnit, Price, Share, rate_price

from billing_subscriptions.domain.plan_item import ItemKind, PlanItem, TaxBehavior
from billing_subscriptions.domain.policy import ChangeWhen, Settlement

CHARGES = UUID("6f0c7d54-3d0e-5b0f-9a55-0d4f5a6f2b11")  # the namespace of charge ids, fixed for good
WHOLE = Fraction(1)
PLAIN = Adjustments()
CREDIT = "CREDIT"  # the kind of charge ids of credits
COMMITMENT = "COMMITMENT"  # and of plan-wide commitments


class ChargeReason(StrEnum):
    """Why a charge or a credit was made."""

    REGULAR = "REGULAR"
    UPGRADE = "UPGRADE"
    DOWNGRADE = "DOWNGRADE"
    QUANTITY_UP = "QUANTITY_UP"
    QUANTITY_DOWN = "QUANTITY_DOWN"
    INTERVAL_CHANGE = "INTERVAL_CHANGE"
    ITEM_ADDED = "ITEM_ADDED"
    ITEM_REMOVED = "ITEM_REMOVED"
    CANCELATION = "CANCELATION"
    PAUSE = "PAUSE"
    RESUME = "RESUME"
    BACKDATED_START = "BACKDATED_START"


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a line is made. `when` and `settlement`: how a change, pause, resume or cancelation went; else None."""

    reason: ChargeReason = ChargeReason.REGULAR
    when: ChangeWhen | None = None
    settlement: Settlement | None = None


REGULAR = Cause()


@dataclass(frozen=True, slots=True)
class Priced:
    """An amount that subscriptions owns: flat fees and seats; negative on credits. A line's has its references."""

    quantity: Fraction
    unit_amount: Fraction | None
    exact: ExactAmount
    rounded: Money
    explanation: str


@dataclass(frozen=True, slots=True)
class CreditOf:
    """The charge that a credit repairs, and the share of that charge's amount that it gives back, at most 1."""

    charge_id: UUID
    share: Fraction


@dataclass(frozen=True, slots=True)
class Charge:
    """`priced` is None for metered items, which usage rates; `supply_at` decides the tax rate.

    `when` and `settlement` are set where a change, pause, resume or cancelation made the charge.
    `proration` names the rule ("BY_DAYS, ACTUAL_PERIOD"), empty for whole periods. For metered charges `tiers_from` is
    where the tiers of an earlier window of the period go on from, `limits_share` the share of a whole period that the
    window is; both None for a whole period.
    """

    id: UUID
    item: PlanItem
    subscription_item_id: UUID
    description: str
    service_period: Period
    supply_at: datetime
    priced: Priced | None
    credit_of: CreditOf | None = None
    reason: ChargeReason = ChargeReason.REGULAR
    proration: str = ""
    tiers_from: datetime | None = None
    limits_share: Fraction | None = None
    when: ChangeWhen | None = None
    settlement: Settlement | None = None

    @property
    def rounded_minor(self) -> int:
        """In minor units; 0 for metered charges, whose amount usage knows."""
        return self.priced.rounded.minor if self.priced else 0


@dataclass(frozen=True, slots=True)
class Commitment:
    """The plan-wide minimum commitment of a period that ended: what is missing of `amount` becomes one more charge.

    `billed` is what earlier dues billed for the same period; the charges of the due itself come on top.
    """

    charge_id: UUID
    description: str
    service_period: Period
    amount: Money
    exact: ExactAmount
    billed: Money
    explanation: str
    tax_category: str
    tax_behavior: TaxBehavior
    supply_at: datetime


class PriceBook:
    """Prices that were worked out before, without references: a month's end asks for the same few again and again."""

    def __init__(self) -> None:
        self._known: dict[tuple[UUID, Fraction, Fraction, str, datetime | None], Priced] = {}

    def __len__(self) -> int:
        return len(self._known)

    def price(
        self, item: PlanItem, quantity: Fraction, part: Fraction, currency: str, *, label: str = "", at: datetime
    ) -> Priced:
        """The amount of `part` of a whole period's price; `label` says how the part was found.

        A negative part gives back. `at` picks the rate of a pricing unit. Raises AmountOverflow, NoPricingUnitRate.
        """
        dated = at if item.price.adjustments.unit else None
        key = (item.price_id, quantity, part, label, dated)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = price(item, quantity, part, currency, label=label, at=dated)
        return found


def price(
    item: PlanItem, quantity: Fraction, part: Fraction, currency: str, *, label: str = "", at: datetime | None = None
) -> Priced:
    """Rates the quantity and takes `part` of it, rounding once. Raises AmountOverflow, NoPricingUnitRate."""
    share = None if part == WHOLE else Share(part, f"of the period, {label}" if label else "of the period")
    rated = rate_price(item.price, quantity, currency, share=share, at=at)
    return Priced(quantity, unit_amount_of(item.price), rated.exact, rated.rounded, rated.explanation_json())


def unit_amount_of(price: Price) -> Fraction | None:
    """The one price of a unit, in major units; None where tiers have several, or something is done to the amount."""
    if price.adjustments != PLAIN:
        return None
    if isinstance(price.model, Flat):
        return price.model.amount
    return price.model.unit_amount if isinstance(price.model, PerUnit) else None


def charge_id(subscription_item_id: UUID, served: Period, kind: ItemKind | str, ordinal: int = 0) -> UUID:
    """The same for the same item, service period, kind and ordinal, on every attempt and in every process."""
    return uuid5(CHARGES, f"{subscription_item_id}{after_item(served, kind, ordinal)}")


def after_item(served: Period, kind: ItemKind | str, ordinal: int = 0) -> str:
    """What follows the item in the name from which a charge id is made."""
    return f"|{served.start.isoformat()}/{served.end.isoformat()}|{kind}|{ordinal}"
