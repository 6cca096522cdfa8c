"""The test clock walks from due instant to due instant; everything it needs is in its row."""

from datetime import timedelta

import pytest
from billing_invoicing.domain.errors import ClockExists, ClockIsMoving, NoTestClock
from billing_invoicing.domain.run import RunState
from billing_invoicing.domain.test_clock import Phase
from billing_invoicing.operations.advance_clock import advance_clock
from billing_invoicing.operations.advance_run import advance_run
from billing_invoicing.operations.create_test_clock import create_test_clock
from billing_invoicing.operations.move_test_clock import Movement, move_test_clock
from billing_invoicing.storage.queries import reads_of
from billing_invoicing.storage.runs import moving_clocks
from billing_invoicing.storage.unit_of_work import units_of_work
from billing_kernel.errors import DomainError, Kind
from billing_runtime.call import calling
from billing_testkit.tenants import admin_call
from invoicing_builders import FEBRUARY, JANUARY, MARCH, billing_due, stamp
from invoicing_fakes import FakeClocks, FakeRenewals, FakeRetries


class NotEmpty(DomainError):
    kind = Kind.PRECONDITION
    reason = "TENANT_NOT_EMPTY"


class Walk:
    """One tenant's clock among fakes of the other services."""

    def __init__(self, database, books, steps_max=100):
        self.database, self.books = database, books
        self.clocks, self.retries, self.renewals = FakeClocks(), FakeRetries(), FakeRenewals()
        self.begin, self.read = units_of_work(database), reads_of(database)
        self.movement = Movement(self.begin, self.read, self.clocks, self.retries, steps_max, self.pause)
        self.paused = 0

    async def pause(self):
        self.paused += 1

    def call(self):
        return calling(admin_call(self.books.tenant_id, at=self.clocks.now or JANUARY))

    async def create(self, now=JANUARY):
        with self.call():
            return await create_test_clock(self.begin, self.read, self.clocks, now)

    async def advance(self, to):
        with self.call():
            async with self.begin() as uow:
                return await advance_clock(uow, to)

    async def get(self):
        with self.call():
            async with self.read() as reads:
                return await reads.test_clocks.get()

    async def go(self, rounds_max=200):
        """Both jobs in turn until the clock stands; the number of rounds."""
        for done in range(rounds_max):
            with self.call():
                await move_test_clock(self.movement)
            clock = await self.get()
            if clock.phase is Phase.STANDING:
                return done
            if clock.run_id is not None:
                with self.call():
                    await advance_run(self.begin, self.read, self.renewals, clock.run_id, chunk=1000)
        raise AssertionError("the clock never came to rest")


@pytest.fixture
def walk(database, books):
    return Walk(database, books)


async def test_a_clock_is_made_once_in_every_service(walk):
    made = await walk.create()
    assert (made.now, made.settled, walk.clocks.created) == (JANUARY, True, 1)
    assert await walk.create() == made
    assert walk.clocks.created == 1
    with pytest.raises(ClockExists):
        await walk.create(FEBRUARY)


async def test_a_service_that_refuses_leaves_no_clock(walk):
    walk.clocks.fail = NotEmpty("records")
    with pytest.raises(NotEmpty):
        await walk.create()
    assert await walk.get() is None
    walk.clocks.fail = None
    assert (await walk.create()).now == JANUARY


async def test_without_a_clock_nothing_moves(walk):
    with pytest.raises(NoTestClock):
        await walk.advance(FEBRUARY)


async def test_it_stops_at_every_due_instant_and_bills_there(walk, seller):
    await walk.create()
    await walk.advance(MARCH)
    middle = FEBRUARY + timedelta(days=3)
    walk.clocks.dues = [(FEBRUARY, None), (MARCH, middle), (MARCH, None), (None, None)]
    walk.retries.answers = [(0, False, 0), (0, False, 0), (1, False, 0)]
    await walk.go()
    clock = await walk.get()
    assert (clock.now, clock.settled, clock.target, clock.steps) == (MARCH, True, None, 3)
    assert walk.clocks.set_to == [JANUARY, FEBRUARY, middle, MARCH]
    assert [call[1] for call in walk.renewals.calls] == [FEBRUARY, middle, MARCH]
    states = await walk.books.rows("SELECT as_of, state FROM billing_run ORDER BY as_of")
    assert states == [(at, RunState.COMPLETE.value) for at in (FEBRUARY, middle, MARCH)]


async def test_it_waits_while_anything_is_under_way(walk, seller):
    await walk.create()
    await walk.advance(FEBRUARY)
    walk.retries.answers = [(1, True, 0), (1, False, 1), (0, False, 1)]
    walk.clocks.waiting = [5, 0, 0, 3]
    rounds = await walk.go()
    assert (await walk.get()).settled
    assert rounds >= 6
    assert len(walk.retries.calls) == 6  # busy four times, then two quiet looks
    assert walk.paused == 1


async def test_it_waits_for_the_first_attempt_of_an_open_invoice(walk, seller):
    await walk.create()
    await walk.books.bill(billing_due(effective_time=stamp(FEBRUARY)))
    await walk.advance(FEBRUARY)
    with pytest.raises(AssertionError, match="never came to rest"):
        await walk.go(20)
    async with walk.database.begin(admin_call(walk.books.tenant_id)) as tx:
        await tx.raw.execute("UPDATE invoice SET tried_at = now()")
    await walk.go()
    assert (await walk.get()).settled


async def test_what_is_due_and_cannot_be_done_does_not_hold_it_for_ever(walk, seller):
    await walk.create()
    await walk.advance(MARCH)
    walk.clocks.dues = [(None, JANUARY)]  # a payment without a payment method
    await walk.go()
    clock = await walk.get()
    assert (clock.now, clock.settled) == (MARCH, True)
    assert clock.steps <= 4


async def test_it_gives_up_after_too_many_steps(database, books, seller):
    walk = Walk(database, books, steps_max=3)
    await walk.create()
    await walk.advance(MARCH)
    walk.clocks.dues = [(JANUARY + timedelta(hours=hours), None) for hours in range(1, 50)]
    walk.renewals.pages = [(0, False)] * 50
    await walk.go()
    clock = await walk.get()
    assert (clock.phase, clock.settled, clock.target) == (Phase.STANDING, False, None)


async def test_another_target_is_refused_on_the_way_and_the_same_one_is_not(walk, seller):
    await walk.create()
    await walk.advance(MARCH)
    assert (await walk.advance(MARCH)).target == MARCH
    with pytest.raises(ClockIsMoving):
        await walk.advance(FEBRUARY)
    assert walk.books.tenant_id in await moving_clocks(walk.database)
    await walk.go()
    assert walk.books.tenant_id not in await moving_clocks(walk.database)
