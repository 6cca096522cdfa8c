"""Changes of subscriptions <-> their messages."""

from collections.abc import Iterable, Mapping
from fractions import Fraction

from billing.subscriptions.v1 import subscription_pb2 as pb
from billing_kernel.decimals import InvalidDecimal, format_decimal, parse_decimal
from billing_kernel.errors import Violation
from billing_pricing import InvalidPriceModel, Price, price_from_json

from billing_subscriptions.domain.errors import InvalidChange, InvalidPrice, InvalidQuantity
from billing_subscriptions.domain.subscription import Change, PriceOverride
from billing_subscriptions.wire.ids import version_text, version_uuid
from billing_subscriptions.wire.prices import price_from_pb, price_to_pb


def change_from_pb(given: pb.SubscriptionChange, field: str = "change") -> Change:
    """Raises InvalidQuantity, InvalidChange, InvalidPrice, each naming the field."""
    return Change(
        plan_version_id=version_uuid(given.plan_version_id) if given.plan_version_id else None,
        quantities=quantities_from_pb(given.quantities, f"{field}.quantities"),
        add_ons=add_ons_from_pb(given.add_ons, f"{field}.add_ons"),
        remove_codes=tuple(dict.fromkeys(given.remove_codes)),
        overrides=overrides_from_pb(given.price_overrides, f"{field}.price_overrides"),
    )


def change_to_pb(change: Change) -> pb.SubscriptionChange:
    return pb.SubscriptionChange(
        plan_version_id=version_text(change.plan_version_id) if change.plan_version_id else "",
        quantities=[
            pb.ItemQuantity(code=code, quantity=format_decimal(quantity))
            for code, quantity in change.quantities.items()
        ],
        add_ons=[
            pb.AddOnQuantity(add_on_code=code, quantity=format_decimal(quantity))
            for code, quantity in change.add_ons.items()
        ],
        remove_codes=change.remove_codes,
        price_overrides=[
            pb.PriceOverride(code=each.code, price=price_to_pb(each.price), periods=each.periods or 0)
            for each in change.overrides
        ],
    )


def quantities_from_pb(given: Iterable[pb.ItemQuantity], field: str = "quantities") -> Mapping[str, Fraction]:
    """By item code. Raises InvalidQuantity."""
    pairs = [(each.code, each.quantity, f"{field}[{index}]") for index, each in enumerate(given)]
    return _quantities(pairs)


def add_ons_from_pb(given: Iterable[pb.AddOnQuantity], field: str = "add_ons") -> Mapping[str, Fraction]:
    """By add-on code; without a quantity it is 1. Raises InvalidQuantity."""
    pairs = [(each.add_on_code, each.quantity or "1", f"{field}[{index}]") for index, each in enumerate(given)]
    return _quantities(pairs)


def overrides_from_pb(given: Iterable[pb.PriceOverride], field: str = "price_overrides") -> tuple[PriceOverride, ...]:
    """Raises InvalidChange for a code that is named twice, and InvalidPrice."""
    found: dict[str, PriceOverride] = {}
    for index, each in enumerate(given):
        if each.code in found:
            violation = Violation(f"{field}[{index}].code", "is named twice", "change.twice")
            raise InvalidChange(f"{each.code!r} is named twice", violations=[violation])
        found[each.code] = PriceOverride(each.code, _price(each, f"{field}[{index}].price"), each.periods or None)
    return tuple(found.values())


def quantity_from_pb(item: pb.ItemQuantity, field: str = "item") -> Fraction:
    """Raises InvalidQuantity."""
    return _quantity(item.code, item.quantity, field)


def _quantities(pairs: Iterable[tuple[str, str, str]]) -> Mapping[str, Fraction]:
    found: dict[str, Fraction] = {}
    for code, text, field in pairs:
        if code in found:
            violation = Violation(f"{field}.code", "is named twice", "quantity.twice")
            raise InvalidQuantity(f"{code!r} is named twice", violations=[violation])
        found[code] = _quantity(code, text, field)
    return found


def _quantity(code: str, text: str, field: str) -> Fraction:
    try:
        return parse_decimal(text)
    except InvalidDecimal as error:
        violation = Violation(f"{field}.quantity", error.message, "decimal")
        raise InvalidQuantity(f"{code!r}: {error.message}", violations=[violation]) from error


def _price(given: pb.PriceOverride, field: str) -> Price:
    try:
        return price_from_json(price_from_pb(given.price))
    except InvalidPriceModel as error:
        violations = [Violation(f"{field}.{each.field}", each.description, each.rule) for each in error.violations]
        raise InvalidPrice(f"{given.code!r}: {error.message}", violations=violations) from error
