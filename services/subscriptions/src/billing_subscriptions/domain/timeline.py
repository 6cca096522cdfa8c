"""Entries of the history as sentences that a support person reads."""

from collections.abc import Callable, Mapping
from typing import Any

from billing_subscriptions.domain.history import Changed, ChangeRecord

# Fields that every entry changes: they say nothing that the entry does not say itself.
SILENT = frozenset({"version", "updated_at", "effective_at", "created_at"})
Sentence = Callable[[Changed], str]
NO_NAMES: Mapping[str, str] = {}


def summary(record: ChangeRecord, names: Mapping[str, str] = NO_NAMES) -> str:
    """One sentence, such as "Quantity of seats from 3 to 5. 2 charges or credits made."

    `names`: what plan versions are called, such as "pro v2", by their uuid.
    """
    sentence = SENTENCES.get(record.kind)
    changed = _named(record.changed, names)
    said = sentence(changed) if sentence else record.kind.replace("_", " ").capitalize()
    count = len(record.charge_ids)
    made = f" {count} charge{'s' if count > 1 else ''} or credit{'s' if count > 1 else ''} made." if count else ""
    return f"{said}.{made}"


def _said(text: str) -> Sentence:
    return lambda _changed: text


def _created(changed: Changed) -> str:
    items = _listed(_after(changed, "items") or [])
    begins = _day(_after(changed, "started_at"))
    plan = f" on {_after(changed, 'plan_version_id')}" if _after(changed, "plan_version_id") else ""
    return f"Created{plan}, {_state(changed) or 'active'}, begins {begins} with {items or 'no items'}"


def _started(changed: Changed) -> str:
    due = _day(_after(changed, "next_due_at"))
    state = f", {_state(changed)}" if _state(changed) else ""
    return f"Started{state}" + (f", next billed on {due}" if due else "")


def _renewed(changed: Changed) -> str:
    begins, ends = _day(_after(changed, "period_start")), _day(_after(changed, "period_end"))
    return f"Renewed for {begins} to {ends}" if begins and ends else "A billing date was passed"


def _trial_ended(changed: Changed) -> str:
    return f"The trial ended, {_state(changed) or 'active'}"


def _plan(word: str) -> Sentence:
    def said(changed: Changed) -> str:
        before, after = changed.get("plan_version_id", (None, None))
        moved = f" from {before} to {after}" if before and after else ""
        return f"{word}{moved}{_items_said(changed)}"

    return said


def _quantity(changed: Changed) -> str:
    moved = _moves(changed)
    return "Quantity of " + "; of ".join(moved) if moved else "Quantity changed"


def _items(word: str) -> Sentence:
    return lambda changed: f"{word}{_items_said(changed)}"


def _overridden(changed: Changed) -> str:
    """Items whose own price is a new one."""
    before = {each["id"]: each.get("own") for each in _before(changed, "items") or []}
    after = _after(changed, "items") or []
    codes = sorted(each["code"] for each in after if each.get("own") and each["own"] != before.get(each["id"]))
    of = f" of {', '.join(codes)}" if codes else ""
    return f"Prices{of} for this subscription alone{_items_said(changed)}"


def _scheduled(changed: Changed) -> str:
    known = {each["id"] for each in _before(changed, "scheduled") or []}
    added = [each for each in _after(changed, "scheduled") or [] if each["id"] not in known]
    times = ", ".join(_day(each["at"]) for each in added)
    return f"A change was planned for {times}" if times else "A change was planned"


def _unscheduled(changed: Changed) -> str:
    kept = {each["id"] for each in _after(changed, "scheduled") or []}
    gone = [each for each in _before(changed, "scheduled") or [] if each["id"] not in kept]
    times = ", ".join(_day(each["at"]) for each in gone)
    return f"The change planned for {times} was taken back" if times else "A planned change was taken back"


def _schedule_set(changed: Changed) -> str:
    phases = [each for each in _after(changed, "scheduled") or [] if each.get("phase_code")]
    listed = ", ".join(f"{each['phase_code']} from {_day(each['at'])}" for each in phases)
    return f"The schedule is now {listed}" if listed else "The schedule was cleared"


def _pause_planned(changed: Changed) -> str:
    pause = _after(changed, "pause") or {}
    begins = f" from {_day(pause.get('since'))}" if pause else ""
    return f"A pause was planned{begins}{_pause_said(pause)}"


def _paused(changed: Changed) -> str:
    """A pause that was planned has begun where it says nothing of itself."""
    pause = _after(changed, "pause")
    return f"Paused{_pause_said(pause)}" if pause else "Paused as planned"


def _pause_said(pause: Mapping[str, Any]) -> str:
    until = f" until {_day(pause.get('resume_at'))}" if pause.get("resume_at") else ""
    return f"{until}, billing {str(pause['billing']).lower()}" if pause else ""


def _cancel_scheduled(changed: Changed) -> str:
    ends = _after(changed, "ends_at")
    return f"Will end on {_day(ends)}" if ends else "An end was planned"


def _canceled(changed: Changed) -> str:
    ends = _after(changed, "canceled_at") or _after(changed, "ends_at")
    return f"Canceled as of {_day(ends)}" if ends else "Canceled"


def _coupon(word: str) -> Sentence:
    def said(changed: Changed) -> str:
        before = {each["redemption_id"]: each["code"] for each in _before(changed, "coupons") or []}
        after = {each["redemption_id"]: each["code"] for each in _after(changed, "coupons") or []}
        codes = sorted({dict(before | after)[each] for each in before.keys() ^ after.keys()})
        return f"Coupon {', '.join(codes)} {word}" if codes else f"A coupon was {word}"

    return said


def _relabeled(changed: Changed) -> str:
    before, after = changed.get("external_id", (None, None))
    renamed = f"External id from {before or 'none'} to {after or 'none'}" if before != after else ""
    labels = "labels changed" if "metadata" in changed else ""
    said = ", ".join(each for each in (renamed, labels) if each)
    return said[:1].upper() + said[1:] if said else "Nothing of it changed"


def _imported(changed: Changed) -> str:
    billed = _day(_after(changed, "billed_from"))
    since = f", billed here from {billed}" if billed else ""
    plan = f" on {_after(changed, 'plan_version_id')}" if _after(changed, "plan_version_id") else ""
    return f"Taken over{plan} as it was, {_state(changed) or 'active'}{since}"


SENTENCES: Mapping[str, Sentence] = {
    "CREATED": _created,
    "STARTED": _started,
    "TRIAL_ENDED": _trial_ended,
    "RENEWED": _renewed,
    "UPGRADE": _plan("Upgraded"),
    "DOWNGRADE": _plan("Downgraded"),
    "QUANTITY_CHANGED": _quantity,
    "INTERVAL_CHANGED": _plan("Billing interval changed"),
    "ITEM_ADDED": _items("Items added"),
    "ITEM_REMOVED": _items("Items removed"),
    "PRICE_OVERRIDDEN": _overridden,
    "CHANGE_SCHEDULED": _scheduled,
    "CHANGE_UNSCHEDULED": _unscheduled,
    "SCHEDULE_SET": _schedule_set,
    "PAUSE_SCHEDULED": _pause_planned,
    "PAUSED": _paused,
    "RESUMED": _said("Runs again"),
    "CANCEL_SCHEDULED": _cancel_scheduled,
    "CANCEL_UNDONE": _said("The planned end was taken back"),
    "CANCELED": _canceled,
    "EXPIRED": _said("Expired"),
    "ACTIVATED": _said("Active: the first payment came"),
    "PAST_DUE": _said("Past due: a payment failed"),
    "PAID": _said("All invoices are paid"),
    "COUPON_REDEEMED": _coupon("redeemed"),
    "COUPON_REMOVED": _coupon("removed"),
    "RELABELED": _relabeled,
    "VERSION_MOVED": _plan("Moved to the newer version"),
    "IMPORTED": _imported,
    "MIGRATED": _plan("Moved in bulk"),
}


def _named(changed: Changed, names: Mapping[str, str]) -> Changed:
    """Plan versions as they are called."""
    if "plan_version_id" not in changed:
        return changed
    before, after = (names.get(str(side), side) if side else side for side in changed["plan_version_id"])
    return {**changed, "plan_version_id": (before, after)}


def _before(changed: Changed, field: str) -> Any:
    return changed.get(field, (None, None))[0]


def _after(changed: Changed, field: str) -> Any:
    return changed.get(field, (None, None))[1]


def _state(changed: Changed) -> str:
    return str(_after(changed, "state") or "").lower().replace("_", " ")


def _items_said(changed: Changed) -> str:
    moved = _moves(changed)
    return f": {'; '.join(moved)}" if moved else ""


def _moves(changed: Changed) -> list[str]:
    """ "seats from 3 to 5", "support added", "support removed"."""
    before = {each["code"]: each.get("quantity") for each in _before(changed, "items") or []}
    after = {each["code"]: each.get("quantity") for each in _after(changed, "items") or []}
    moved = [
        f"{code} from {before[code]} to {after[code]}"
        for code in before.keys() & after.keys()
        if before[code] != after[code]
    ]
    added = [f"{code} added{_times(after[code])}" for code in after.keys() - before.keys()]
    return sorted(moved) + sorted(added) + sorted(f"{code} removed" for code in before.keys() - after.keys())


def _listed(items: list[Any]) -> str:
    return ", ".join(f"{each['code']}{_times(each.get('quantity'))}" for each in items)


def _times(quantity: object) -> str:
    return f" × {quantity}" if quantity not in (None, "1") else ""


def _day(instant: object) -> str:
    """The day of an instant in UTC, with its time unless that is midnight."""
    text = str(instant or "")
    return text[:10] if text[10:19] in ("", "T00:00:00") else f"{text[:10]} {text[11:16]} UTC"
