"""BatchRateUsage: rates up to 5,000 charges; final ratings are frozen."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from billing_kernel.errors import DomainError
from billing_kernel.ids import uuid7

from billing_usage.domain.errors import Refusal
from billing_usage.domain.rating import Answer, Charge, Rating, refused_before_counting, same_charge
from billing_usage.operations.ports import Known, RatingStore
from billing_usage.operations.rate_items import Rated, Wanted, rate_items

REUSED = Refusal("CHARGE_ID_REUSED", "this charge was rated for another item or period", "charge_id")


async def rate_charges(
    store: RatingStore, asked: Sequence[Charge | Refusal], events_max: int, *, final: bool
) -> Sequence[Answer]:
    """An answer per charge, in request order; what was refused while it was read stays refused.

    A frozen rating answers its charge again; previews write nothing.
    """
    charges = [charge for charge in asked if isinstance(charge, Charge)]
    frozen = await store.frozen([charge.charge_id for charge in charges])
    fresh = {charge.charge_id: charge for charge in reversed(charges) if charge.charge_id not in frozen}
    answers = {**frozen, **await _rate(store, list(fresh.values()), events_max, final=final)}
    return [_own(charge, answers) for charge in asked]


def _own(charge: Charge | Refusal, answers: Mapping[UUID, Answer]) -> Answer:
    if isinstance(charge, Refusal):
        return charge
    answer = answers[charge.charge_id]
    return REUSED if isinstance(answer, Rating) and not same_charge(answer, charge) else answer


async def _rate(
    store: RatingStore, charges: Sequence[Charge], events_max: int, *, final: bool
) -> Mapping[UUID, Answer]:
    known = await store.known(charges)
    asked = [_wanted(charge, facts) for charge, facts in zip(charges, known, strict=True)]
    rated = iter(await rate_items(store, [wanted for wanted in asked if isinstance(wanted, Wanted)], events_max))
    answers: dict[UUID, Answer] = {}
    frozen: list[tuple[Rating, str]] = []
    for charge, wanted in zip(charges, asked, strict=True):
        if isinstance(wanted, Refusal):
            answers[charge.charge_id] = wanted
            continue
        found = next(rated)
        answer = answers[charge.charge_id] = _answer(charge, wanted, found, final=final)
        if final and isinstance(answer, Rating):
            frozen.append((answer, found.snapshot))
    return {**answers, **await store.freeze(frozen)}


def _wanted(charge: Charge, known: Known) -> Wanted | Refusal:
    price, aggregation = known.price, known.aggregation
    refusal = refused_before_counting(charge, known.version, price, aggregation, metered=known.metered)
    if refusal is not None:
        return refusal
    assert price is not None
    assert aggregation is not None
    assert known.meter_id is not None, "a meter has an id and an aggregation"
    return Wanted(price, aggregation, known.meter_id, known.subjects, charge.scope)


def _answer(charge: Charge, wanted: Wanted, rated: Rated, *, final: bool) -> Answer:
    usage = rated.usage
    if isinstance(usage, DomainError):
        return Refusal(usage.reason, usage.message)
    rating_id = uuid7() if final else None
    return Rating(
        charge.charge_id, charge.item_id, charge.price_id, wanted.price.meter_code, charge.period, usage, rating_id
    )
