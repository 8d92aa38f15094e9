"""A crash loop with startsecs=0, which supervisord never slows down: it is found out; good code ends it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from supervisor_reload.core.condition import Condition, condition
from supervisor_reload.core.model import DrainSettings, ProcessState, SlotSettings
from supervisor_reload.core.moves import Moves
from supervisor_reload.core.phase import Phase
from supervisor_reload.core.slot import Slot
from tests.fakes.scenarios import A
from tests.fakes.supervisord import Boot
from tests.fakes.world import World, settled, web

ONE = web(1, max_surge=0, failure_limit=1)
AT_ONCE = replace(ONE, slots=tuple(replace(slot, startsecs=0.0) for slot in ONE.slots))
CRASHING = Boot(dies_after=0.1, ready_after=None)


@pytest.mark.parametrize("is_lossy", [False, True])
def test_it_is_found_out(is_lossy: bool) -> None:
    """Though each process is up again before anybody hears that the one before fell, or nobody ever hears."""
    world = settled(World(AT_ONCE))
    world.lose_events = is_lossy
    world.save("r1", boot=CRASHING)
    world.advance(10, step=0.01)
    assert Condition.HELD is condition(world.target)[0]
    boots = world.supervisor.programs[A].boots
    assert boots > 10  # it goes on: supervisord's autorestart does that
    world.save("r2")
    world.advance(10)
    assert Condition.READY is condition(world.target)[0]


@pytest.mark.parametrize(
    ("phase", "fell_at", "scheme", "expected"),
    [
        (Phase.PROBING, 999.0, "exit", Phase.STOPPING),
        (Phase.FAILED, 999.0, "exit", Phase.STOPPING),
        (Phase.PROBING, 990.0, "exit", Phase.DRAINING),
        (Phase.PROBING, 0.0, "exit", Phase.DRAINING),
        (Phase.READY, 999.0, "exit", Phase.DRAINING),
        (Phase.PROBING, 999.0, "connections", Phase.DRAINING),
    ],
)
def test_what_fell_a_moment_ago_is_stopped(
    phase: Phase, fell_at: float, scheme: str, expected: Phase
) -> None:
    """supervisord stops whatever is up then; our signal would meet the next process, with the new code.

    Not where it is ready, or its work can be looked at: it may serve again.
    """
    settings = SlotSettings(name=A, drain=DrainSettings(scheme=scheme))
    slot = Slot(settings=settings, phase=phase, state=ProcessState.RUNNING, pid=7, fell_at=fell_at)
    moves = Moves.of([slot])
    moves.leave(slot, 1000.0, ONE, retiring=False)
    assert moves.slots[A].phase is expected


def test_good_code_does_not_pay_for_the_bad() -> None:
    """How often the bad code fell makes its own next process prove itself longer, and nobody else's."""
    world = settled(World(AT_ONCE))
    world.save("r1", boot=Boot(dies_after=0.6, ready_after=None))
    world.advance(20, step=0.01)
    assert world.target.slots[A].falls > 2
    world.save("r2")
    world.advance(2, step=0.01)
    assert Condition.READY is condition(world.target)[0]
