"""The check list of the chapter of life: every fault turns exactly its own checks red, and everything is told."""

import importlib.util
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from billing_cli.demo import life_report
from billing_cli.demo.checks import all_checks
from billing_cli.demo.play import Taken
from rich.console import Console

_SPEC = importlib.util.spec_from_file_location("demo_answers", Path(__file__).with_name("demo_answers.py"))
demo_answers = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(demo_answers)

TODAY = date(2025, 11, 23)
STATISTICS = {"accepted": "950", "stored": "950", "rated": "950", "duplicates": "50"}
TOTALS = "total = lines + tax"
PREVIEWS = "preview = call"
INVOICED = "what calls answer is invoiced once"
LINES = "every line is as worked out by hand"
CREDITS = "a credit repairs a charge, within it"
BALANCE = "account credit is used up"
EXPLAINED = "each explanation recomputes to its amount"


@pytest.fixture
def billed(tmp_path):
    return demo_answers.billed(TODAY, tmp_path)


@pytest.fixture
def lived(billed):
    return demo_answers.lived(TODAY, billed)


def failed(billed, lived):
    found = all_checks(billed, demo_answers.counted(), Taken(accepted=950, duplicates=50), STATISTICS, lived)
    return {check.name for check in found if not check.passed}


def printed(*parts):
    console = Console(record=True, width=140, file=open("/dev/null", "w"), highlight=False)  # noqa: SIM115
    for part in parts:
        console.print(part)
    return console.export_text()


def life_line(billed, place, field, value):
    billed[place].invoice["lines"][-1][field] = value


def repair_nothing(billed):
    life_line(billed, 19, "credit_of", {"charge_id": "gone"})


def give_too_much(billed):
    """The last credit of the pause takes back more tax than its charge had."""
    life_line(billed, 19, "tax_minor", "-9999")


def explain_another_amount(billed):
    life_line(billed, 21, "explanation", billed[21].invoice["lines"][0]["explanation"])


def explain_nothing(billed):
    life_line(billed, 21, "explanation", "")


def forget_the_coupon(billed):
    life_line(billed, 16, "discount_minor", "0")


def keep_the_balance(billed):
    billed[20].invoice["credit_applied_minor"] = "0"


def bill_a_charge_twice(billed):
    billed[21].invoice["lines"][0]["charge_id"] = billed[21].invoice["lines"][1]["charge_id"]


@pytest.mark.parametrize(
    ("fault", "names"),
    [
        (repair_nothing, {CREDITS}),
        (give_too_much, {CREDITS, LINES, TOTALS}),
        (explain_another_amount, {EXPLAINED}),
        (explain_nothing, {EXPLAINED}),
        (forget_the_coupon, {LINES}),
        (keep_the_balance, {BALANCE}),
        (bill_a_charge_twice, {INVOICED}),
    ],
)
def test_each_fault_of_the_life_is_seen(fault, names, billed, lived):
    fault(billed)
    assert failed(billed, lived) == names


def with_scene(lived, place, **fields):
    scenes = list(lived.scenes)
    scenes[place] = replace(scenes[place], **fields)
    return replace(lived, scenes=scenes)


def another_preview(lived):
    return with_scene(lived, 2, preview={**lived.scenes[2].answer, "net": {"amount_minor": "1"}})


def no_preview(lived):
    return with_scene(lived, 2, preview=None)


def another_charge(lived):
    """The call answers a charge that no invoice has."""
    charges = [{**each, "amount": {"amount_minor": "1"}} for each in lived.scenes[5].answer["charges"]]
    return with_scene(lived, 5, answer={"charges": charges})


def a_gap_in_the_timeline(lived):
    return replace(lived, changes=[each for each in lived.changes if each["version"] != "4"])


def another_past(lived):
    (name, at, was), *rest = lived.past
    return replace(lived, past=[(name, at, {**was, "state": "SUBSCRIPTION_STATE_PAUSED"}), *rest])


def access_while_paused(lived):
    stale = demo_answers.access("sso", "GRANTED")
    return with_scene(lived, 4, access=[replace(stale, wanted="SUBSCRIPTION_NOT_RUNNING")])


def another_price(lived):
    return replace(lived, tried={**lived.tried, "amount": {"amount_minor": "23208"}})


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        (another_preview, PREVIEWS),
        (no_preview, PREVIEWS),
        (another_charge, INVOICED),
        (a_gap_in_the_timeline, "the timeline is whole"),
        (another_past, "it is known what it was at each time"),
        (access_while_paused, "access follows within a second"),
        (another_price, "a price tried is the price billed"),
    ],
)
def test_each_wrong_answer_is_seen(fault, name, billed, lived):
    assert failed(billed, fault(lived)) == {name}


def test_the_life_is_told_with_rules_credits_and_why(billed, lived):
    own = [each for each in billed if each.member == lived.member]
    told = printed(life_report.scenes(lived, own))
    assert "rule    upgrade: now, by days, actual period, at once" in told
    assert "preview = call" in told
    assert "access  Single sign-on: subscription not running" in told
    assert f"repairs {own[0].invoice['number']}" in told
    assert "coupon  launch20: 20 % off, periods left: 3" in told
    assert "kept as credit" in printed(life_report.invoices(own))
    assert "user:a  ITEM_ADDED." in printed(life_report.timeline(lived))
    assert "232.07 EUR" in printed(life_report.tried(lived))


def test_missing_invoices_of_the_life_are_seen(billed, lived):
    assert {LINES, TOTALS, BALANCE} <= failed(billed[:-1], lived)
    assert {LINES, TOTALS, BALANCE, INVOICED} <= failed(billed[:-2], lived)
