"""A rollout ends while an old process is on its way out, and its successor is gone: it is needed still."""

from __future__ import annotations

import pytest

from supervisor_reload.core.model import ProcessState as S
from supervisor_reload.core.phase import Phase
from tests.fakes.journal import Killed
from tests.fakes.supervisord import Boot
from tests.fakes.world import Code, World, settled, web

A, B = "web:web_00", "web:web_01"


def draining(**changes: object) -> World:
    """The new process serves, and the old one's work is looked at before it is stopped."""
    world = World(web(drain="connections", drain_timeout=20.0, **changes))  # type: ignore[arg-type]
    settled(world)
    world.busy[A] = world.clock.now + 12
    world.save("r1")
    world.advance(3)
    assert Phase.READY is world.target.slots[B].phase
    assert Phase.DRAINING is world.target.slots[A].phase
    return world


def test_an_operators_stop_of_the_new_one_keeps_the_old() -> None:
    """He stopped one process of two that run: the other goes on, untouched."""
    world = draining()
    pid = world.supervisor.programs[A].pid
    world.supervisor.stop(B)
    world.advance(60)
    assert [S.RUNNING, S.STOPPED] == world.states()
    assert pid == world.supervisor.programs[A].pid
    assert ["rollout aborted", "slot kept"] == world.events()[-2:]
    world.save("r2")
    world.advance(60)
    assert [S.STOPPED, S.RUNNING] == world.states()


def test_both_stopped_by_hand_stay_stopped() -> None:
    """Who stops everything is not taken for one who stops the half of it."""
    world = draining()
    world.supervisor.stop(B)
    world.supervisor.stop(A)
    world.advance(60)
    assert [S.STOPPED, S.STOPPED] == world.states()


@pytest.mark.fault(44)
def test_new_code_that_falls_while_the_old_drains_leaves_the_old() -> None:
    """Bad code never takes the service down, not even when it had served for a moment."""
    world = draining()
    world.code = type(world.code)(revision="r1", boot=Boot(dies_after=0.1))
    world.supervisor.crash(B)
    world.advance(60)
    assert S.RUNNING is world.supervisor.programs[A].state
    assert [A] == world.ready()
    assert "rollout halted" in world.events()


def test_who_was_asked_to_take_no_new_work_is_started_again() -> None:
    """It can't be asked to take some again: it finishes what it has, and its slot is filled anew."""
    world = draining(quiesce_signal="USR1", lame_duck=0.5)
    pid = world.supervisor.programs[A].pid
    world.supervisor.stop(B)
    world.advance(60)
    assert [S.RUNNING, S.STOPPED] == world.states()
    assert pid != world.supervisor.programs[A].pid
    assert "r1" == world.target.slots[A].revision


def test_what_was_to_be_stopped_when_we_died_is_needed_if_its_successor_fell() -> None:
    """It is on record that the old process is stopped; nobody told supervisord, and the new one falls."""
    world = settled(World(web(2)))
    old = next(iter(world.ready()))

    def die() -> None:
        if world.journal.found()[f"slot {old}"].get("phase") == Phase.STOPPING.value:
            raise Killed

    world.journal.after = die
    world.down_for = 1.0
    world.save("r1")
    world.supervisor.on_change = lambda name: None
    while world.down_until is None:
        world.advance(0.01)
    new = next(name for name in world.ready() if name != old)
    world.supervisor.crash(new)

    def judge(verb: str, name: str) -> None:
        assert name != old or [ready for ready in world.ready() if ready != old], "nobody serves"

    world.on_order = judge
    world.code = Code(revision="r1", boot=Boot(ready_after=2.0))
    world.supervisor.crash(new)
    world.advance(60)
    assert {"r1"} == {slot.revision for slot in world.target.slots.values() if slot.state.is_up}
    assert 1 == len(world.ready())
