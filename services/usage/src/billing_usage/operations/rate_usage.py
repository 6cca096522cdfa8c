"""BatchRateUsage: rates up to 5,000 charges with one count of the events; final ratings are frozen."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from billing_kernel.errors import DomainError
from billing_kernel.ids import uuid7

from billing_usage.domain.errors import Refusal
from billing_usage.domain.rating import (
    Answer,
    Charge,
    Rating,
    Totals,
    rate_usage,
    refused_before_counting,
    same_charge,
)
from billing_usage.operations.ports import Count, Known, RatingStore

REUSED = Refusal("CHARGE_ID_REUSED", "this charge was rated for another item or period", "charge_id")


async def rate_charges(store: RatingStore, asked: Sequence[Charge | Refusal], *, final: bool) -> Sequence[Answer]:
    """An answer per charge, in request order; what was refused while it was read stays refused.

    A frozen rating answers its charge again; previews write nothing.
    """
    charges = [charge for charge in asked if isinstance(charge, Charge)]
    frozen = await store.frozen([charge.charge_id for charge in charges])
    fresh = {charge.charge_id: charge for charge in reversed(charges) if charge.charge_id not in frozen}
    answers = {**frozen, **await _rate(store, list(fresh.values()), final=final)}
    return [_own(charge, answers) for charge in asked]


def _own(charge: Charge | Refusal, answers: Mapping[UUID, Answer]) -> Answer:
    if isinstance(charge, Refusal):
        return charge
    answer = answers[charge.charge_id]
    return REUSED if isinstance(answer, Rating) and not same_charge(answer, charge) else answer


async def _rate(store: RatingStore, charges: Sequence[Charge], *, final: bool) -> Mapping[UUID, Answer]:
    known = await store.known(charges)
    counts = [_count(charge, facts) for charge, facts in zip(charges, known, strict=True)]
    counted = await store.count([count for count in counts if isinstance(count, Count)])
    totals = iter(counted.totals)
    answers: dict[UUID, Answer] = {}
    for charge, facts, count in zip(charges, known, counts, strict=True):
        answers[charge.charge_id] = _rating(charge, facts, next(totals)) if isinstance(count, Count) else count
    if not final:
        return answers
    ratings = [replace(answer, rating_id=uuid7()) for answer in answers.values() if isinstance(answer, Rating)]
    return {**answers, **await store.freeze(ratings, counted.snapshot)}


def _count(charge: Charge, known: Known) -> Count | Refusal:
    refusal = refused_before_counting(charge, known.version, known.price, known.aggregation, metered=known.metered)
    if refusal is not None or known.meter_id is None:
        assert refusal is not None, "a meter has an id and an aggregation"
        return refusal
    return Count(known.meter_id, known.subjects, charge.period)


def _rating(charge: Charge, known: Known, totals: Totals) -> Answer:
    price, aggregation = known.price, known.aggregation
    assert price is not None
    assert aggregation is not None
    try:
        usage = rate_usage(price, aggregation, totals, charge.period)
    except DomainError as error:
        return Refusal(error.reason, error.message)
    return Rating(charge.charge_id, charge.item_id, charge.price_id, price.meter_code, charge.period, usage, None)
