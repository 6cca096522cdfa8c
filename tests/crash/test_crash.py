"""kill -9 under load: whatever dies, nothing is lost, nothing is done twice, and the books are those of a quiet life.

`make test` plays one dense round; `make crash` (CRASH=all) the whole table.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from billing_kernel.ids import uuid7
from billing_testkit.fleet import Fleet

from tests.crash.business import Business, Size
from tests.crash.killing import Roles, wait_until
from tests.crash.table import SHORT, WHOLE, Round
from tests.crash.truth import truth_of

pytestmark = [pytest.mark.crash, pytest.mark.slow, pytest.mark.timeout(900)]

ALL = os.environ.get("CRASH") == "all"
ROUNDS = WHOLE if ALL else SHORT
SIZE = Size(customers=60, events=20) if ALL else Size(customers=15, events=10)
MONTHS = len(ROUNDS) + 1
SETTLE_S = 240.0


@dataclass
class Mesh:
    """Two tenants of one mesh: one lives in peace, the other through the kills."""

    fleet: Fleet
    roles: Roles
    quiet: Business
    struck: Business
    month: int = 0
    struck_by: list[str] = field(default_factory=list)

    def settle(self, business: Business) -> None:
        with truth_of(self.fleet) as truth:
            wait_until(lambda: truth.moving(business.tenant), SETTLE_S)

    def live(self, business: Business, month: int) -> None:
        business.live(month)
        self.settle(business)


@pytest.fixture(scope="module")
def mesh() -> Iterator[Mesh]:
    root = Path(tempfile.mkdtemp(prefix="billing-crash-"))
    with Fleet(root) as fleet:
        roles = Roles(fleet)
        quiet, struck = (Business.found(fleet, uuid7(), SIZE, MONTHS) for _ in range(2))
        made = Mesh(fleet, roles, quiet, struck)
        made.live(struck, 0)
        yield made
        quiet.clients.close()
        struck.clients.close()
    shutil.rmtree(root, ignore_errors=True)


@pytest.mark.parametrize("played", ROUNDS, ids=lambda played: played.name)
def test_a_month_of_kills_breaks_no_rule(mesh: Mesh, played: Round) -> None:
    mesh.month += 1
    began = time.monotonic()
    with mesh.roles.armed(played.faults) as killer:
        for part in played.parts:
            mesh.fleet.stack.unit(part).running.child.kill()
        mesh.struck.live(mesh.month)
        deadline = time.monotonic() + SETTLE_S
        while killer.alive and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not killer.alive, f"never struck: {[str(fault) for fault in killer.alive]}"
    assert not killer.wrong_deaths, "\n".join(killer.wrong_deaths)
    mesh.settle(mesh.struck)
    mesh.struck_by += map(str, played.faults)
    with truth_of(mesh.fleet) as truth:
        assert truth.broken(mesh.struck.tenant) == {}
        stored, accepted = truth.stored_events(mesh.struck.tenant), truth.accepted_events(mesh.struck.tenant)
    assert stored == accepted == mesh.struck.sent
    print(f"{played.name}: {len(played.faults) + len(played.parts)} kills, settled in {time.monotonic() - began:.0f} s")


def test_the_books_are_those_of_a_life_without_kills(mesh: Mesh) -> None:
    for month in range(mesh.month + 1):
        mesh.live(mesh.quiet, month)
    with truth_of(mesh.fleet) as truth:
        quiet, struck = truth.books(mesh.quiet.tenant), truth.books(mesh.struck.tenant)
        assert truth.broken(mesh.quiet.tenant) == {}
    assert quiet == struck
    assert quiet.total() == SIZE.customers * sum(range(1, mesh.month + 2))
