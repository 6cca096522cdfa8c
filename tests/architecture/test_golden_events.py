"""Old bytes of every event type still mean what they meant. `python -m tools.golden` adds those of a new type."""

import json

import pytest

from tools.contract import events
from tools.golden import GOLDEN, paths, values

EVENTS = {event.DESCRIPTOR.full_name: event for event in events()}


@pytest.fixture(params=sorted(EVENTS))
def event(request):
    return EVENTS[request.param]


def test_every_event_has_golden_bytes(event):
    assert all(path.exists() for path in paths(event)), "python -m tools.golden"


def test_old_bytes_give_the_old_values(event):
    binary, readable = paths(event)
    assert values(event.FromString(binary.read_bytes())) == json.loads(readable.read_text())


def test_old_bytes_hold_nothing_unknown_and_come_back_equal(event):
    first = event.FromString(paths(event)[0].read_bytes())
    known = event.FromString(paths(event)[0].read_bytes())
    known.DiscardUnknownFields()
    assert known.SerializeToString(deterministic=True) == first.SerializeToString(deterministic=True)
    assert event.FromString(first.SerializeToString()) == first


def test_no_event_type_was_taken_away():
    kept = {path.name.removesuffix(".binpb") for path in GOLDEN.glob("*.binpb")}
    assert kept <= set(EVENTS)
