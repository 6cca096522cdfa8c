"""Ids, instants, enums and small values between protobuf and domain."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from uuid import UUID

from billing.common.v1 import collection_pb2, money_pb2, party_pb2, ratio_pb2, tax_facts_pb2
from billing_kernel.errors import Invalid, Violation
from billing_kernel.ids import decode, encode
from billing_kernel.money import Money
from google.protobuf.timestamp_pb2 import Timestamp

from billing_invoicing.domain.due import Collection, Ratio, TaxBehavior, TaxId
from billing_invoicing.domain.seller import Party

SELLER, INVOICE, LINE, RUN, CREDIT_ENTRY = "sel", "inv", "line", "run", "ace"
CUSTOMER, SUBSCRIPTION, ITEM, PRICE, PARTY, PAYMENT = "cus", "sub", "si", "price", "party", "pay"
COUPON, REDEMPTION = "cpn", "red"

# Seconds of 1900-01-01 and 9000-01-01: every zone can still show what lies between.
_FIRST_S, _LAST_S = -2_208_988_800, 221_845_392_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

COLLECTIONS_TO_PB = {
    Collection.CHARGE: collection_pb2.COLLECTION_METHOD_CHARGE,
    Collection.SEND: collection_pb2.COLLECTION_METHOD_SEND,
}
assert set(COLLECTIONS_TO_PB) == set(Collection)
BEHAVIORS_TO_PB = {
    TaxBehavior.EXCLUSIVE: tax_facts_pb2.TAX_BEHAVIOR_EXCLUSIVE,
    TaxBehavior.INCLUSIVE: tax_facts_pb2.TAX_BEHAVIOR_INCLUSIVE,
}
assert set(BEHAVIORS_TO_PB) == set(TaxBehavior)
_COLLECTIONS: Mapping[int, Collection] = {int(number): value for value, number in COLLECTIONS_TO_PB.items()}
_BEHAVIORS: Mapping[int, TaxBehavior] = {int(number): value for value, number in BEHAVIORS_TO_PB.items()}
_TAX_ID_HEAD = "TAX_ID_TYPE_"


class InvalidTime(Invalid):
    reason = "INVALID_TIME"


class ValueUnspecified(Invalid):
    reason = "VALUE_UNSPECIFIED"


def id_from_pb(prefix: str, text: str) -> UUID:
    """Raises InvalidId."""
    return decode(prefix, text)


def optional_id_from_pb(prefix: str, text: str) -> UUID | None:
    """None for empty text. Raises InvalidId."""
    return decode(prefix, text) if text else None


def id_to_pb(prefix: str, uuid: UUID | None) -> str:
    """Empty for None."""
    return encode(prefix, uuid) if uuid is not None else ""


@lru_cache(maxsize=8192)
def cached_id_from_pb(prefix: str, text: str) -> UUID:
    """For ids that many messages of a batch share."""
    return decode(prefix, text)


@lru_cache(maxsize=8192)
def cached_id_to_pb(prefix: str, uuid: UUID) -> str:
    """The same in the other direction."""
    return encode(prefix, uuid)


def uuid_from_pb(text: str, field: str) -> UUID:
    """A plain uuid. Raises Invalid."""
    try:
        return UUID(text)
    except ValueError as error:
        raise Invalid("an id is malformed", violations=[Violation(field, "must be a uuid", "uuid")]) from error


def instant_from_pb(stamp: Timestamp, field: str) -> datetime:
    """Aware, in microseconds. Raises InvalidTime outside of 1900 to 9000."""
    if not _FIRST_S <= stamp.seconds < _LAST_S or not 0 <= stamp.nanos < 1_000_000_000:
        violation = Violation(field, "must be an instant between the years 1900 and 9000", "time.range")
        raise InvalidTime("the time lies outside of the calendar", violations=[violation])
    return _instant(stamp.seconds, stamp.nanos)


@lru_cache(maxsize=8192)
def _instant(seconds: int, nanos: int) -> datetime:
    return _EPOCH + timedelta(seconds=seconds, microseconds=nanos // 1000)


def instant_to_pb(instant: datetime | None) -> Timestamp | None:
    """None stays unset. Never change what it returns: equal instants share one message."""
    return None if instant is None else _stamp(instant)


@lru_cache(maxsize=8192)
def _stamp(instant: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(instant)
    return stamp


def money_from_pb(money: money_pb2.Money) -> Money:
    """Raises UnknownCurrency."""
    return Money(money.currency_code, money.amount_minor)


def money_to_pb(money: Money) -> money_pb2.Money:
    return money_pb2.Money(currency_code=money.currency, amount_minor=money.minor)


def ratio_from_pb(ratio: ratio_pb2.Ratio) -> Ratio:
    """Raises Invalid for what is no fraction."""
    try:
        int(ratio.numerator)
        whole = int(ratio.denominator) > 0
    except ValueError:
        whole = False
    if not whole:
        raise Invalid("a share is malformed", violations=[Violation("share", "must be a fraction", "ratio")])
    return Ratio(ratio.numerator, ratio.denominator)


def ratio_to_pb(ratio: Ratio | None) -> ratio_pb2.Ratio | None:
    """None stays unset."""
    return None if ratio is None else ratio_pb2.Ratio(numerator=ratio.numerator, denominator=ratio.denominator)


def collection_from_pb(number: int) -> Collection:
    """Raises ValueUnspecified."""
    found = _COLLECTIONS.get(number)
    if found is None:
        raise ValueUnspecified("the collection method is unspecified")
    return found


def behavior_from_pb(number: int) -> TaxBehavior:
    """Raises ValueUnspecified."""
    found = _BEHAVIORS.get(number)
    if found is None:
        raise ValueUnspecified("the tax behavior is unspecified")
    return found


def tax_ids_from_pb(tax_ids: Iterable[tax_facts_pb2.TaxId]) -> tuple[TaxId, ...]:
    return tuple([TaxId(_type_name(tax_id.type), tax_id.value) for tax_id in tax_ids])


def tax_ids_to_pb(tax_ids: Iterable[TaxId]) -> list[tax_facts_pb2.TaxId]:
    return [tax_facts_pb2.TaxId(type=_type_number(tax_id.type), value=tax_id.value) for tax_id in tax_ids]


def _type_name(number: tax_facts_pb2.TaxIdType.ValueType) -> str:
    return tax_facts_pb2.TaxIdType.Name(number).removeprefix(_TAX_ID_HEAD).lower()


def _type_number(name: str) -> tax_facts_pb2.TaxIdType.ValueType:
    return tax_facts_pb2.TaxIdType.Value(_TAX_ID_HEAD + name.upper())


def party_from_pb(party: party_pb2.Party) -> Party:
    address = party.address
    return Party(
        name=party.name,
        company=party.company,
        email=party.email,
        line1=address.line1,
        line2=address.line2,
        city=address.city,
        postal_code=address.postal_code,
        region=address.region,
        country=address.country_code,
    )


def party_to_pb(party: Party) -> party_pb2.Party:
    address = party_pb2.Address(
        line1=party.line1,
        line2=party.line2,
        city=party.city,
        postal_code=party.postal_code,
        region=party.region,
        country_code=party.country,
    )
    return party_pb2.Party(name=party.name, company=party.company, email=party.email, address=address)
