"""Batches: each identity once, each event its result. Checked against a model that stores one event after the other."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from billing_usage.domain.errors import Refusal
from billing_usage.domain.event import Window
from billing_usage.domain.ingestion import CONFLICT, Outcome, TimeLimits, check, judge
from billing_usage.domain.recent_ids import RecentIds
from hypothesis import given
from hypothesis import strategies as st

WINDOW = Window(0, 10_000_000)
SUB = "sub_01h455vb4pex5vsknk084sn02q"


def raw(event_id, value="1"):
    return str(event_id), "s", "api", "subscription_id", SUB, 5, 0, value, None


events = st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["1", "2", "bad"])), max_size=12)


def one_by_one(store, batch):
    results = []
    for event_id, value in batch:
        if value == "bad":
            results.append("rejected")
        elif event_id not in store:
            store[event_id] = value
            results.append("accepted")
        else:
            results.append("duplicate" if store[event_id] == value else "conflict")
    return results


def word(result):
    if isinstance(result, Refusal):
        return "conflict" if result is CONFLICT else "rejected"
    return result.value


@given(events, events)
def test_a_batch_answers_as_if_its_events_came_one_by_one(earlier, batch):
    model, stored = {}, {}
    for each in (earlier, batch):
        checked = check([raw(*event) for event in each], {"api"}, WINDOW)
        known = {c[:2]: stored[c[:2]] for c in checked.candidates if c[:2] in stored}
        ingested = judge(checked, known)
        stored |= {c[:2]: c[2] for c in checked.candidates if c[:2] not in stored}
        assert [word(result) for result in ingested.results] == one_by_one(model, each)
        assert ingested.accepted + ingested.duplicates + ingested.rejected == len(each)
    assert len(stored) == len(model)


def test_candidates_come_in_the_order_of_the_key():
    checked = check([raw(event_id) for event_id in ("b", "a", "ß", "B")], {"api"}, WINDOW)
    assert [candidate[1] for candidate in checked.candidates] == ["B", "a", "b", "ß"]


def test_what_was_refused_while_it_was_read_stays_refused():
    refusal = Refusal("INVALID_CLOUD_EVENT", "no", "id")
    ingested = judge(check([refusal, raw("a")], {"api"}, WINDOW), {})
    assert ingested.results == [refusal, Outcome.ACCEPTED]


def test_the_window_lies_around_now():
    now = datetime(2026, 1, 1, tzinfo=UTC)
    window = TimeLimits(timedelta(minutes=5), timedelta(days=1)).window(now)
    assert window == Window(1_767_139_200_000_000, 1_767_225_900_000_000)


def test_the_filter_remembers_and_forgets():
    recent, tenant, other = RecentIds(capacity=3), UUID(int=1), UUID(int=2)

    def marks(tenant_id, *ids):
        return recent.marks(tenant_id, check([raw(i) for i in ids], {"api"}, WINDOW).candidates)

    recent.add(marks(tenant, "a", "b"))
    assert recent.likely(marks(tenant, "a", "c")) == [0]
    assert recent.likely(marks(other, "a")) == []
    recent.add(marks(tenant, "c"))  # full: the young generation becomes the old one
    recent.add(marks(tenant, "d"))
    assert recent.likely(marks(tenant, "a", "b", "c", "d")) == [0, 1, 2, 3]
    recent.add(marks(tenant, "e", "f"))
    assert recent.likely(marks(tenant, "a", "d")) == [1]
