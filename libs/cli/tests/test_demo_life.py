"""The arithmetic of the chapter of life, against figures worked out by hand; its acts in order of time."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest
from billing_cli.demo import command, life_expected, story
from billing_cli.demo.life_expected import Line, bills_of, by_days, by_seconds, discounted
from billing_cli.demo.months import Calendar
from billing_cli.demo.play import Act, Stage
from billing_cli.demo.story import Days
from billing_cli.errors import CliError
from billing_cli.stack_commands import Broker
from billing_devstack.errors import StackError
from billing_devstack.state import StackStatus
from rich.progress import Progress

AUGUST = Calendar(date(2025, 8, 1))
DAY = datetime(2025, 8, 1, tzinfo=UTC)


def line(amount):
    return Line("fee", "", DAY, DAY, amount)


def test_six_invoices_of_a_summer():
    bills = bills_of(AUGUST)
    # 80.00; 10.16 + 30.97 + 38.71 less 10.32 and 30.97; 150.00; 81.50 less 50.94 and 65.00; 26 of 31 days of 195.00:
    # all with 20 % off; then 195.00
    assert [bill.net for bill in bills] == [6400, 3083, 12000, -2755, 13084, 19500]
    assert [bill.tax for bill in bills] == [1216, 585, 2280, -523, 2486, 3705]
    assert [bill.granted for bill in bills] == [0, 0, 0, 3278, 0, 0]
    assert [bill.applied for bill in bills] == [0, 0, 0, 0, 3278, 0]
    assert [bill.paid for bill in bills] == [7616, 3668, 14280, 0, 12292, 23205]


def test_credits_give_back_what_was_charged_for_the_same_days():
    signed, upgraded, *_ = bills_of(AUGUST)
    fee, seats = upgraded.lines[-2:]
    assert (fee.amount, fee.discount, fee.tax) == (-1032, -206, -157)  # 16 of 31 days of 20.00, 4.00 and 3.04
    assert (seats.amount, seats.discount, seats.tax) == (-3097, -619, -471)
    assert fee.net + signed.lines[0].net == 774


def test_parts_of_a_month():
    days = Days(AUGUST)
    assert by_days(days, days.upgrade, 0) == Fraction(16, 31)
    assert by_days(days, days.resume, 2) == Fraction(26, 31)
    assert by_seconds(days, days.more_seats, 1) == Fraction(489, 720)  # 20 days and 9 hours of 30 days
    november = Days(Calendar(date(2025, 10, 1)))
    assert by_seconds(november, november.start, 0) == 1
    assert by_seconds(november, november.upgrade, 0) == Fraction(16 * 24 + 1 - 14, 31 * 24 + 1)  # one day has 25 hours


@pytest.mark.parametrize(
    ("amounts", "shares"),
    [((2000, 6000), [400, 1200]), ((1016, 3097, 3871), [203, 620, 774]), ((1, 1, 1), [1, 0, 0]), ((2, 1), [1, 0])],
)
def test_a_coupon_is_spread_by_largest_remainder(amounts, shares):
    found = discounted([line(amount) for amount in amounts])
    assert [each.discount for each in found] == shares


def test_tax_is_on_what_is_left():
    assert [each.tax for each in discounted([line(2000)])] == [304]


def test_the_words_of_the_story_are_those_of_the_arithmetic():
    def price(plan, code):
        ((price, *_),) = [list(each["price"].values()) for each in story.PLANS[plan]["items"] if each["code"] == code]
        return Fraction(next(iter(price.values())))

    expected = life_expected
    assert (price(story.TEAM, story.BASE), price(story.TEAM, story.SEATS)) == (expected.TEAM_FEE, expected.TEAM_SEAT)
    assert price(story.BUSINESS, story.BASE) == expected.BUSINESS_FEE
    assert price(story.BUSINESS, story.SEATS) == expected.BUSINESS_SEAT
    assert Fraction(story.ADD_ON["content"]["price"]["flat"]["amount"]) == expected.BACKUP_FEE
    assert (Fraction(story.SEATS_FIRST), Fraction(story.SEATS_MORE)) == (expected.FEW, expected.MANY)
    assert Fraction(story.COUPON_TERMS["percent"]) == expected.COUPON_PERCENT
    assert story.COUPON_TERMS["duration_periods"] == 3
    assert story.CUSTOMER.tax_percent == expected.TAX_PERCENT


@pytest.mark.parametrize("month", range(1, 13))
def test_the_days_of_the_story_are_in_order_in_every_month(month):
    calendar = Calendar(date(2025, month, 1))
    days = Days(calendar)
    order = [days.start, days.add_on, days.upgrade, days.more_seats, days.pause, days.resume]
    assert order == sorted(set(order))
    assert calendar.boundary(1, "Europe/Berlin") < days.more_seats < days.pause < calendar.boundary(2, "Europe/Berlin")
    assert calendar.boundary(2, "Europe/Berlin") < days.resume < calendar.boundary(3, "Europe/Berlin")
    assert all(bill.total == bill.net + bill.tax for bill in bills_of(calendar))


class Clock:
    """A test clock that arrives at once."""

    def __init__(self):
        self.stops = []

    async def post(self, path, body):
        assert path == "/v1/test_clock:advance"
        self.stops.append(datetime.fromisoformat(body["to"]))
        return {}

    async def get(self, path):
        return {"clock": {"now": self.stops[-1].isoformat(), "settled": True}}


async def test_acts_are_played_when_the_clock_stands_at_their_time():
    clock, bar, played = Clock(), Progress(disable=True), []
    days = Days(AUGUST)
    stage = Stage(clock, AUGUST, bar, bar.add_task("", now=""), bar.add_task("", now=""))

    def act(at):
        async def do():
            played.append((at, clock.stops[-1]))

        return Act(at, do)

    await stage.play([], [act(days.add_on), act(days.upgrade), act(days.resume)])
    assert played == [(at, at) for at in (days.add_on, days.upgrade, days.resume)]
    assert clock.stops == sorted(clock.stops)
    assert AUGUST.boundary(1, "Europe/Berlin") - timedelta(seconds=1) in clock.stops


@pytest.fixture
def stack(monkeypatch):
    """What is done to the stack, in order."""
    done = []
    monkeypatch.setattr(command.control, "status", lambda root: StackStatus("down", None))
    monkeypatch.setattr(command.control, "down", lambda root: done.append("down"))
    monkeypatch.setattr(command.starting, "up_detached", lambda root, broker: done.append("up"))
    return done


@pytest.mark.parametrize(("keep", "done"), [(False, ["up", "demo", "down"]), (True, ["up", "demo"])])
def test_a_stack_that_was_started_for_the_demo_is_stopped(stack, keep, done, tmp_path):
    with command._running(tmp_path, Broker.LITE, keep):
        stack.append("demo")
    assert stack == done


def test_it_is_stopped_after_a_failure_too(stack, tmp_path):
    with pytest.raises(ZeroDivisionError), command._running(tmp_path, Broker.LITE, False):
        raise ZeroDivisionError
    assert stack == ["up", "down"]


def test_a_stack_that_is_up_is_left_alone(stack, monkeypatch, tmp_path):
    monkeypatch.setattr(command.control, "status", lambda root: StackStatus("up", None))
    with command._running(tmp_path, Broker.LITE, False):
        stack.append("demo")
    assert stack == ["demo"]


def test_a_stack_that_does_not_stop_is_told(stack, monkeypatch, tmp_path):
    def down(root):
        raise StackError("still held")

    monkeypatch.setattr(command.control, "down", down)
    with pytest.raises(CliError, match="still held"), command._running(tmp_path, Broker.LITE, False):
        pass
