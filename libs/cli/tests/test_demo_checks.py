"""The demo's check list: a faultless run passes, and every fault turns exactly its own checks red."""

import importlib.util
from datetime import date
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from billing_cli.checklist import Check, checklist, verdict
from billing_cli.demo import report
from billing_cli.demo.checks import all_checks
from billing_cli.demo.play import Taken, arrived
from billing_cli.invariants import compare, summed
from billing_runtime.consumer import Consumer, Handler
from google.protobuf.empty_pb2 import Empty
from rich.console import Console

_SPEC = importlib.util.spec_from_file_location("demo_answers", Path(__file__).with_name("demo_answers.py"))
demo_answers = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(demo_answers)

TODAY = date(2025, 11, 23)


@pytest.fixture
def billed(tmp_path):
    return demo_answers.billed(TODAY, tmp_path)


@pytest.fixture
def statistics():
    return {"accepted": "950", "stored": "950", "rated": "950", "duplicates": "50"}


@pytest.fixture
def taken():
    return Taken(accepted=950, duplicates=50)


@pytest.fixture
def lived(billed):
    return demo_answers.lived(TODAY, billed)


def failed(billed, statistics, taken, lived):
    found = all_checks(billed, demo_answers.counted(), taken, statistics, lived)
    return {check.name for check in found if not check.passed}


def test_a_faultless_demo_passes(billed, statistics, taken, lived):
    assert failed(billed, statistics, taken, lived) == set()


USAGE = "accepted = stored = rated"
PERIODS = "each period is billed once"
TOTALS = "total = lines + tax"
PINNED = "every amount is as worked out from the file"
CAPTURES = "one capture per payment"
LINES = "every line is as worked out by hand"
RETRIES = "declined cards were tried again, then paid"


@pytest.mark.parametrize("name", ["accepted", "stored", "rated"])
def test_one_event_less_is_seen(name, billed, statistics, taken, lived):
    assert failed(billed, {**statistics, name: "949"}, taken, lived) == {USAGE}


def test_answers_of_the_api_count_too(billed, statistics, lived):
    fewer = Taken(accepted=949, duplicates=51)
    assert failed(billed, statistics, fewer, lived) == {USAGE, "each repeat was recognised"}
    assert failed(billed, statistics, Taken(accepted=950, duplicates=50, rejected=1), lived) == {"nothing was refused"}


def lose_a_cent(billed):
    billed[3].invoice["lines"][0]["net_minor"] = str(int(billed[3].invoice["lines"][0]["net_minor"]) - 1)


def shift_a_cent(billed):
    """Adds up, and is wrong."""
    invoice = billed[3].invoice
    for made in (invoice, invoice["lines"][0]):
        made["net_minor"] = str(int(made["net_minor"]) + 1)
    invoice["total_minor"] = str(int(invoice["total_minor"]) + 1)


def bill_twice(billed):
    billed[2].invoice["lines"][0] = dict(billed[1].invoice["lines"][0])


def repeat_a_period(billed):
    billed[2].invoice["lines"][0]["service_period"] = billed[1].invoice["lines"][0]["service_period"]


def leave_unpaid(billed):
    billed[0].invoice["state"] = "INVOICE_STATE_OPEN"


def capture_twice(billed):
    billed[0].payments[0]["attempts"].append(dict(billed[0].payments[0]["attempts"][0]))


def never_decline(billed):
    declined = next(each for each in billed if each.member.customer.card != "tok_succeeds")
    declined.payments[0]["attempts"].pop(0)


def skip_a_number(billed):
    billed[15].invoice["number"] = "NL-2025-000099"


def tax_by_another_rule(billed):
    billed[0].invoice["lines"][0]["taxes"][0]["rule"] = "EXEMPT"


def break_a_pdf(billed):
    billed[0].pdf.write_bytes(b"<html>")


@pytest.mark.parametrize(
    ("fault", "names"),
    [
        (lose_a_cent, {TOTALS, PINNED}),
        (shift_a_cent, {PINNED}),
        (bill_twice, {PERIODS}),
        (repeat_a_period, {PERIODS}),
        (leave_unpaid, {"all are paid"}),
        (capture_twice, {CAPTURES, RETRIES}),
        (never_decline, {RETRIES}),
        (skip_a_number, {"numbers have no gap"}),
        (tax_by_another_rule, {"the tax rule fits the customer"}),
        (break_a_pdf, {"all have a PDF"}),
    ],
)
def test_each_fault_is_seen(fault, names, billed, statistics, taken, lived):
    fault(billed)
    assert failed(billed, statistics, taken, lived) == names


def test_a_missing_invoice_is_seen(billed, statistics, taken, lived):
    assert {PERIODS, TOTALS, PINNED} <= failed(billed[1:], statistics, taken, lived)
    assert {PERIODS, TOTALS, PINNED, LINES} <= failed([], statistics, taken, lived)


def consumer():
    handler = Handler(Empty, lambda tx, events: None)
    return Consumer("invoicing", ["billing.usage.v1"], {"A": handler, "B": handler})


@pytest.mark.parametrize(
    ("told", "heard", "figures"),
    [
        ({1, 2}, {1, 2}, (2, 2, 0, 0)),
        ({1, 2}, {1}, (2, 1, 1, 0)),
        ({1}, {1, 3}, (1, 1, 0, 1)),
        (set(), set(), (0, 0, 0, 0)),
    ],
)
def test_a_consumer_is_held_against_what_it_was_told(told, heard, figures):
    other = {("billing.usage.v1", "C"): {uuid4()}, ("billing.tax.v1", "A"): {uuid4()}}
    rows = {("billing.usage.v1", "A"): {UUID(int=each) for each in told}, **other}
    found = compare(consumer(), rows, {"invoicing": {UUID(int=each) for each in heard}})
    assert (found.told, found.heard, found.missing, found.strays) == figures
    assert found.complete == (not found.missing)


def test_the_rules_of_a_service_are_one_check():
    rules = [Check("tax", "one", True), Check("tax", "two", False, "3 rows break it")]
    assert summed("tax", rules) == Check("rules", "what tax keeps is sound", False, "two: 3 rows break it")
    assert summed("tax", rules[:1]) == Check("rules", "what tax keeps is sound", True, "1 rules hold")


@pytest.mark.parametrize(("clock", "there"), [({}, True), ({"target": None}, True), ({"target": "2025-08-01"}, False)])
def test_a_clock_with_a_target_moves(clock, there):
    assert arrived(clock) is there


def printed(*parts):
    console = Console(record=True, width=140, file=open("/dev/null", "w"), highlight=False)  # noqa: SIM115
    for part in parts:
        console.print(part)
    return console.export_text()


def test_the_report_shows_lines_explanations_attempts_and_files(billed, tmp_path):
    billed_text = printed(report.invoices(billed), report.timeline(billed), report.payments(billed))
    assert "NL-2025-000001  01 Aug 2025  Klara Winter, DE  paid" in billed_text
    assert "API calls                          01 Aug - 31 Aug" in billed_text
    assert "2000 units × 0.002 EUR (300 events)" in billed_text
    assert "VAT DE 19 %, domestic" in billed_text
    assert "soft declined (insufficient_funds) → 01 Aug 2025 succeeded" in billed_text
    assert "01 Sep 2025 09:00" in billed_text  # California's month begins at nine in Berlin
    assert "demo/NL-2025-000001.pdf" not in billed_text
    assert "22 PDFs in ./" in printed(report.files(billed, tmp_path))


@pytest.mark.parametrize(("minor", "text"), [(0, "0.00"), (5, "0.05"), (-123, "-1.23"), (123_456_789, "1,234,567.89")])
def test_cents_are_printed_without_a_float(minor, text):
    assert report.euro(minor) == text


def test_a_check_list_names_each_group_once_and_counts_failures():
    checks = [Check("usage", "one", True, "5 = 5"), Check("usage", "two", False, "1 lost"), Check("tax", "three", True)]
    lines = [line.rstrip() for line in printed(checklist(checks)).splitlines()]
    assert lines == ["✓ usage one   5 = 5", "✗       two   1 lost", "✓ tax   three"]
    assert str(verdict(checks)) == "1 of 3 checks failed"
    assert str(verdict(checks[:1])) == "all 1 checks hold"
