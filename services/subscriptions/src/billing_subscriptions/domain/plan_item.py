"""What is sold: the items of plan versions and of add-ons, with a price in each currency."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from uuid import UUID

from billing_kernel.currencies import UnknownCurrency, exponent
from billing_kernel.decimals import InvalidDecimal, parse_decimal
from billing_kernel.errors import DomainError, Violation
from billing_kernel.money import CurrencyMismatch
from billing_pricing import InvalidPriceModel, Measure, Price, PriceModel, price_from_json, rate_price

from billing_subscriptions.domain.errors import InvalidPlanItem, InvalidPrice

NewId = Callable[[], UUID]
JsonPrice = Mapping[str, object]
SEAT_MODELS = frozenset({"per_unit", "graduated", "volume", "package"})
USAGE_MODELS = frozenset({"percentage", "graduated_percentage", "dynamic", "matrix", "time_weighted"})
ZERO = Fraction(0)


class ItemKind(StrEnum):
    FLAT = "FLAT"
    SEAT = "SEAT"
    METERED = "METERED"


class Timing(StrEnum):
    ADVANCE = "ADVANCE"
    ARREARS = "ARREARS"


class TaxBehavior(StrEnum):
    EXCLUSIVE = "EXCLUSIVE"
    INCLUSIVE = "INCLUSIVE"


@dataclass(frozen=True, slots=True)
class NewItem:
    """An item as it is asked for.

    `price` is the JSON object of a price in the version's currency, `currency_prices` the same by further currency, in
    order; quantities are decimal texts, empty for none.
    """

    code: str
    name: str
    kind: ItemKind
    timing: Timing
    price: JsonPrice
    meter_code: str = ""
    tax_category: str = "digital_service"
    tax_behavior: TaxBehavior = TaxBehavior.EXCLUSIVE
    currency_prices: Sequence[tuple[str, JsonPrice]] = ()
    product_code: str = ""
    min_quantity: str = ""
    max_quantity: str = ""


@dataclass(frozen=True, slots=True)
class ItemPrice:
    """One price, kept for the life of its version."""

    id: UUID
    price: Price


@dataclass(frozen=True, slots=True)
class PlanItem:
    """`price` and `price_id` are those of the currency in which the item is looked at; `prices` are all, by currency.

    `max_quantity` None: without bound. Quantities bound seat items alone.
    """

    id: UUID
    code: str
    name: str
    kind: ItemKind
    timing: Timing
    price: Price
    price_id: UUID
    meter_code: str
    tax_category: str
    tax_behavior: TaxBehavior
    prices: Mapping[str, ItemPrice]
    product_code: str = ""
    min_quantity: Fraction = ZERO
    max_quantity: Fraction | None = None

    @property
    def model(self) -> PriceModel:
        """The model of `price`, without its adjustments."""
        return self.price.model

    def content(self) -> tuple[object, ...]:
        """Everything but the ids."""
        prices = {currency: each.price for currency, each in self.prices.items()}
        sold = (self.code, self.name, self.kind, self.timing, self.meter_code, self.tax_category, self.tax_behavior)
        return *sold, prices, self.product_code, self.min_quantity, self.max_quantity

    def in_currency(self, currency: str) -> "PlanItem":
        """The same item with its price in `currency` as the price. Raises CurrencyMismatch."""
        found = self.prices.get(currency)
        if found is None:
            sold = ", ".join(sorted(self.prices))
            facts = {"item": self.code, "currency": currency, "sold_in": sold}
            raise CurrencyMismatch(f"{self.code!r} has no price in {currency}, only in {sold}", facts=facts)
        return self if found.id == self.price_id else replace(self, price=found.price, price_id=found.id)


def form_violations(path: str, item: NewItem) -> list[Violation]:
    """What does not fit together in one item; its prices are looked at apart."""
    metered, seat = item.kind is ItemKind.METERED, item.kind is ItemKind.SEAT
    bounded = bool(item.min_quantity or item.max_quantity)
    rules = (
        (metered and item.timing is not Timing.ARREARS, "timing", "metered items are charged in arrears"),
        (metered and not item.meter_code, "meter_code", "a metered item names its meter"),
        (not metered and bool(item.meter_code), "meter_code", "only a metered item names a meter"),
        (bounded and not seat, "min_quantity", "only a seat item has a least or greatest quantity"),
    )
    found = [Violation(f"{path}.{name}", text, "item.form") for broken, name, text in rules if broken]
    prices = [("price", item.price)]
    prices += [(f"currency_prices[{index}].price", price) for index, (_, price) in enumerate(item.currency_prices)]
    found += [
        Violation(f"{path}.{name}", text, "item.form") for name, price in prices if (text := _misfit(item.kind, price))
    ]
    return found + _bounds(path, item)[1]


def _misfit(kind: ItemKind, price: JsonPrice) -> str:
    """Why a kind of item does not have this price; empty where it may."""
    model = str(price.get("model"))
    if kind is ItemKind.FLAT and model != "flat":
        return "a flat item has a flat price"
    if kind is ItemKind.SEAT and model == "flat":
        return "a flat price belongs to a flat item"
    if kind is ItemKind.SEAT and model in USAGE_MODELS:
        return f"{model} prices need usage: only metered items have one"
    return ""


def price_violations(path: str, item: NewItem, currency: str) -> list[Violation]:
    """What is wrong with the prices of an item, in every currency. Raises UnknownCurrency, naming the field."""
    found = _price_violations(f"{path}.price", item.price, currency, item.kind)
    seen = {currency}
    for index, (other, price) in enumerate(item.currency_prices):
        at = f"{path}.currency_prices[{index}]"
        check_currency(f"{at}.currency_code", other)
        if other in seen:
            found.append(Violation(f"{at}.currency_code", f"{other} has a price already", "currency.twice"))
        seen.add(other)
        found += _price_violations(f"{at}.price", price, other, item.kind)
    return found


def make_item(item: NewItem, currency: str, new_id: NewId) -> PlanItem:
    """An item that was checked: form_violations and price_violations found nothing."""
    wanted = [(currency, item.price), *item.currency_prices]
    prices = {code: ItemPrice(new_id(), price_from_json(price)) for code, price in wanted}
    (least, most), _ = _bounds("", item)
    return PlanItem(
        id=new_id(),
        code=item.code,
        name=item.name,
        kind=item.kind,
        timing=item.timing,
        price=prices[currency].price,
        price_id=prices[currency].id,
        meter_code=item.meter_code,
        tax_category=item.tax_category,
        tax_behavior=item.tax_behavior,
        prices=prices,
        product_code=item.product_code,
        min_quantity=least or ZERO,
        max_quantity=most,
    )


def priced_in(currency: str, items: Sequence[NewItem]) -> frozenset[str]:
    """The currencies in which every item has a price; `currency` is that of the version."""
    found = [frozenset((currency, *(other for other, _ in item.currency_prices))) for item in items]
    return frozenset.intersection(*found) if found else frozenset((currency,))


def check_items(items: Sequence[tuple[str, NewItem]], currency: str, form: Sequence[Violation] = ()) -> None:
    """Refuses items, given with their paths, that are not well formed; `form` was found before.

    Raises InvalidPlanItem, InvalidPrice, UnknownCurrency, each naming every field that is wrong.
    """
    broken = [*form, *(each for path, item in items for each in form_violations(path, item))]
    if broken:
        raise InvalidPlanItem(f"{broken[0].field}: {broken[0].description}", violations=broken)
    broken = [each for path, item in items for each in price_violations(path, item, currency)]
    if broken:
        raise InvalidPrice(f"{broken[0].field}: {broken[0].description}", violations=broken)


def check_currency(path: str, currency: str) -> None:
    """Raises UnknownCurrency that names the field."""
    try:
        exponent(currency)
    except UnknownCurrency as error:
        violation = Violation(path, error.message, "currency.unknown")
        raise UnknownCurrency(error.message, facts=error.facts, violations=[violation]) from error


def _price_violations(path: str, found: JsonPrice, currency: str, kind: ItemKind) -> list[Violation]:
    """A price whose single unit already overflows is refused now and not at a month's end."""
    try:
        price = price_from_json(found)
        if price.is_windowed and kind is not ItemKind.METERED:
            text = "needs the times of usage: only metered items have a commitment by window"
            return [Violation(f"{path}.adjustments.commitment.window", text, "item.form")]
        if price.measure is Measure.QUANTITY:
            rate_price(price, Fraction(1), currency, at=_first_rate(price))
    except InvalidPriceModel as error:
        return [
            Violation(f"{path}.{field_of(found, each.field)}", each.description, each.rule) for each in error.violations
        ]
    except DomainError as error:
        return [Violation(path, error.message, error.reason)]
    return []


def field_of(found: JsonPrice, field: str) -> str:
    """The field as the contract has it: those of the model lie in a message of its name."""
    return field if field.startswith(("adjustments", "model")) else f"{found.get('model')}.{field}"


def _first_rate(price: Price) -> datetime | None:
    unit = price.adjustments.unit
    return unit.rates[0].start if unit else None


Bounds = tuple[Fraction | None, Fraction | None]


def _bounds(path: str, item: NewItem) -> tuple[Bounds, list[Violation]]:
    """Least and greatest quantity, and what is wrong with them."""
    return quantity_bounds(path, item.min_quantity, item.max_quantity)


def quantity_bounds(path: str, least: str, most: str) -> tuple[Bounds, list[Violation]]:
    """Least and greatest quantity from decimal texts, None where empty, and what is wrong with them."""
    read: list[Fraction | None] = []
    for name, text in (("min_quantity", least), ("max_quantity", most)):
        try:
            read.append(parse_decimal(text) if text else None)
        except InvalidDecimal as error:
            return (None, None), [Violation(f"{path}.{name}".lstrip("."), error.message, "decimal")]
    low, high = read
    if high is not None and high < (low or ZERO):
        text = "is less than min_quantity"
        return (low, high), [Violation(f"{path}.max_quantity".lstrip("."), text, "quantity.bounds")]
    return (low, high), []
