"""The event file: the same arguments make the same bytes, and the shares are exact."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from tools import usage_events
from tools.usage_events import Customer, Order

START = datetime(2025, 8, 1)  # noqa: DTZ001  # a month
CUSTOMERS = (Customer("klara", "Europe/Berlin", 1, 30), Customer("maya", "America/Los_Angeles", 3, 100))


def order(**changes):
    return Order(**{"start": START, "customers": CUSTOMERS, "events": 2_000, **changes})


def events(made):
    return json.loads("".join(usage_events.lines(made)))


def instant(text):
    return datetime.fromisoformat(text)


def test_the_same_order_makes_the_same_bytes():
    assert "".join(usage_events.lines(order())) == "".join(usage_events.lines(order()))


@pytest.mark.parametrize("changes", [{"seed": 8}, {"start": datetime(2025, 7, 1)}, {"months": 2}])  # noqa: DTZ001
def test_another_order_makes_other_events(changes):
    assert events(order(**changes)) != events(order())


@pytest.mark.parametrize(("count", "duplicates", "late"), [(2_000, 100, 20), (200, 10, 2), (20_000, 1_000, 200)])
def test_shares_are_exact(count, duplicates, late):
    found = events(order(events=count))
    assert len(found) == count
    first = {event["id"]: event for event in reversed(found)}
    assert len(found) - len(first) == duplicates
    delays = [instant(event["recordedtime"]) - instant(event["time"]) for event in first.values()]
    assert sum(delay >= timedelta(hours=1) for delay in delays) == late
    assert sum(delay >= timedelta(seconds=2) for delay in delays) == late


def test_repeats_have_the_same_content():
    def content(event):
        return {name: value for name, value in event.items() if name != "recordedtime"}

    by_id: dict[str, list] = {}
    for event in events(order()):
        by_id.setdefault(event["id"], []).append(content(event))
    assert all(len(same) <= 2 and same[0] == same[-1] for same in by_id.values())


def test_events_lie_in_their_months_and_are_delivered_before_these_end():
    zones = {customer.external_id: customer.zone for customer in CUSTOMERS}
    for event in events(order()):
        zone = zones[event["subject"].removeprefix("customer/")]
        starts = [usage_events.month_start(START, index, zone) for index in range(4)]
        at, recorded = instant(event["time"]), instant(event["recordedtime"])
        month = sum(start <= at for start in starts) - 1
        assert 0 <= month < 3
        assert at <= recorded < starts[month + 1]


def test_the_file_is_in_the_order_of_delivery_over_all_months_and_customers():
    found = events(order())
    assert [event["recordedtime"] for event in found] == sorted(event["recordedtime"] for event in found)
    assert {event["subject"] for event in found} == {"customer/klara", "customer/maya"}
    assert {instant(event["time"]).month for event in found} >= {8, 9, 10}


def test_ids_look_like_uuid7_of_their_time():
    for event in events(order(events=200)):
        found = UUID(event["id"])
        assert (found.version, found.variant) == (7, "specified in RFC 4122")
        assert found.int >> 80 == (instant(event["time"]) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(
            milliseconds=1
        )


def test_values_are_whole_and_bounded():
    limits = {f"customer/{customer.external_id}": customer.calls_max for customer in CUSTOMERS}
    assert all(1 <= event["data"]["value"] <= limits[event["subject"]] for event in events(order()))


def test_the_command_writes_one_event_a_line(tmp_path):
    out = tmp_path / "made" / "events.json"
    arguments = ["--start", "2025-08", "--customer", "klara,Europe/Berlin,1,30", "--events", "40", "--out", str(out)]
    assert usage_events.main(arguments) == 0
    assert len(out.read_text().splitlines()) == 42
    assert len(json.loads(out.read_text())) == 40


@pytest.mark.parametrize("text", ["klara", "klara,Nowhere/Else,1,2", "klara,UTC,one,2"])
def test_a_customer_that_cannot_be_read_is_refused(text, tmp_path, capsys):
    with pytest.raises(SystemExit):
        usage_events.main(["--start", "2025-08", "--customer", text, "--out", str(tmp_path / "x")])
    assert "EXTERNAL_ID,TIME_ZONE,SHARE,CALLS_MAX" in capsys.readouterr().err
