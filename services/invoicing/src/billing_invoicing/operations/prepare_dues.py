"""Before anything is written: rates, taxes and parties of a batch of dues, one question each to three services.

What one due is refused for never touches its neighbours; what concerns all of them is raised.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from billing_kernel.errors import DomainError
from billing_kernel.ids import uuid7
from billing_runtime.fault import failpoint

from billing_invoicing.domain.billing import Work, draft, seller_for, with_ratings
from billing_invoicing.domain.due import Due, Outcome, Refusal, TaxedLine, without
from billing_invoicing.domain.errors import NotCaughtUp
from billing_invoicing.domain.run import Mode
from billing_invoicing.domain.seller import Party, Seller
from billing_invoicing.operations.peer_ports import PartyBook, Ratings, Taxes
from billing_invoicing.operations.ports import PartyVersion, UnitOfWork
from billing_invoicing.operations.prepared import Batch, Prepared
from billing_invoicing.operations.price_dues import price_dues

LATER = frozenset({"NOT_CAUGHT_UP", "UNAVAILABLE"})  # refusals of items that time cures


@dataclass(frozen=True, slots=True)
class Peers:
    """The three services that a batch asks."""

    ratings: Ratings
    taxes: Taxes
    parties: PartyBook


async def prepare_dues(
    reads: UnitOfWork, peers: Peers, dues: Sequence[Due], *, now: datetime, final: bool = True
) -> Batch:
    """Reads, asks, and builds drafts; writes nothing here (usage freezes ratings when `final`). Raises NotCaughtUp and
    other transient refusals; a batch of several also what refused the whole question."""
    prepared = await _sorted_out(reads, dues)
    await _rate(peers.ratings, prepared, final)
    failpoint("invoicing.rated")
    await price_dues(reads, _open(prepared))
    await _tax(peers.taxes, prepared, now)
    failpoint("invoicing.taxed")
    return Batch(prepared, await _fetch_parties(reads, peers.parties, prepared))


async def _sorted_out(reads: UnitOfWork, dues: Sequence[Due]) -> list[Prepared]:
    """Seller, mode and charges left of each due."""
    sellers = await reads.sellers.every()
    modes = await reads.runs.modes(list({due.run_id for due in dues if due.run_id is not None}))
    held = await reads.invoices.invoiced([charge_id for due in dues for charge_id in due.charge_ids])
    return [_sort_out(due, sellers, modes, held) for due in dues]


def _sort_out(
    due: Due, sellers: Mapping[UUID, Seller], modes: Mapping[UUID, Mode], held: Mapping[UUID, UUID]
) -> Prepared:
    mode = modes.get(due.run_id, Mode.FINAL) if due.run_id is not None else Mode.FINAL
    gone = held.keys() & set(due.charge_ids) if held else set()
    left = without(due, gone)
    left_out = [charge for charge in due.charges if charge.charge_id in gone] if gone else ()
    made = Prepared(due, left, Outcome.INVOICED, mode, left_out=left_out)
    if not left.charges:
        made.held = next((held[charge_id] for charge_id in due.charge_ids if charge_id in gone), None)
        if left.commitment is None:
            made.settle_without()
            return made
    seller = seller_for(due, sellers)
    if isinstance(seller, Refusal):
        made.park(seller)
    else:
        made.seller = seller
    return made


def _open(prepared: Sequence[Prepared]) -> list[Prepared]:
    return [each for each in prepared if each.seller is not None and each.refusal is None]


async def _rate(ratings: Ratings, prepared: Sequence[Prepared], final: bool) -> None:
    wanted = [each for each in _open(prepared) if any(charge.metered for charge in each.due.charges)]
    if not wanted:
        return
    asked = [(each.due, charge) for each in wanted for charge in each.due.charges if charge.metered]
    try:
        answers = await ratings.rate(asked, final=final)
    except DomainError as error:
        _park_or_raise(wanted, error)
        return
    for each in wanted:
        rated = with_ratings(each.due, answers)
        if isinstance(rated, Refusal):
            _park(each, rated)
        else:
            each.due = rated


async def _tax(taxes: Taxes, prepared: Sequence[Prepared], now: datetime) -> None:
    wanted = _open(prepared)
    asked = [each for each in wanted if each.due.taxable]
    answers: Mapping[UUID, Sequence[TaxedLine] | Refusal] = {}
    try:
        if asked:
            answers = await taxes.tax([(each.due, each.seller) for each in asked if each.seller is not None])
    except DomainError as error:
        _park_or_raise(asked, error)
        wanted = _open(wanted)
    for each in wanted:
        assert each.seller is not None
        work = Work(each.due, each.seller, each.repaired)
        made = draft(work, answers.get(each.due.due_id, ()), now=now, new_id=uuid7)
        if isinstance(made, Refusal):
            _park(each, made)
        else:
            each.invoice = made


async def _fetch_parties(
    reads: UnitOfWork, book: PartyBook, prepared: Sequence[Prepared]
) -> Mapping[PartyVersion, Party]:
    """Copies for invoices that become final; a draft gets its own when it does."""
    wanted = [each for each in _open(prepared) if each.mode is Mode.FINAL]
    missing = await reads.parties.missing([(each.due.party_id, each.due.party_version) for each in wanted])
    if not missing:
        return {}
    without_copy = set(missing)
    lacking = [each for each in wanted if (each.due.party_id, each.due.party_version) in without_copy]
    try:
        found = await book.fetch(missing)
    except DomainError as error:
        _park_or_raise(lacking, error)
        return {}
    for each in lacking:
        party = found.get((each.due.party_id, each.due.party_version), Refusal("PARTY_NOT_FOUND", "no such party"))
        if isinstance(party, Refusal):
            _park(each, party)
    return {version: party for version, party in found.items() if not isinstance(party, Refusal)}


def _park(each: Prepared, refusal: Refusal) -> None:
    if refusal.reason in LATER:
        raise NotCaughtUp(refusal.message, facts={"due_id": str(each.due.due_id), "reason": refusal.reason})
    each.park(refusal)


def _park_or_raise(asked: Sequence[Prepared], error: DomainError) -> None:
    """A refusal of the whole question: one due is parked for it; of several nobody knows which one it was."""
    if error.transient or len(asked) > 1:
        raise error
    asked[0].park(Refusal(error.reason, error.message))
