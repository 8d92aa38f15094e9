"""Rollouts that something else crosses: files that change again, processes that fall by themselves."""

from __future__ import annotations

from dataclasses import replace

from supervisor_reload.core.facts import ChangeKind
from supervisor_reload.core.model import ProcessState as S
from supervisor_reload.core.model import Revision, SlotName
from supervisor_reload.core.moves import Moves
from supervisor_reload.core.phase import Phase
from supervisor_reload.core.rollout import trim
from supervisor_reload.core.slot import MIN_AGE, Slot
from tests.fakes.supervisord import Boot
from tests.fakes.world import SIGNAL, Code, World, web

A, B = SlotName("web:web_00"), SlotName("web:web_01")


def settled(world: World, boot: Boot | None = None) -> World:
    world.code = Code(revision="r0", boot=boot or Boot())
    world.supervisor.boot_all()
    world.advance(8)
    world.orders.clear()
    world.stories.clear()
    return world


def test_a_signal_rollout_waits_while_the_files_change() -> None:
    """Two slots, one after the other; in between a burst begins: the second gets the newer code at once."""
    world = settled(World(web(2, replicas=2, max_surge=0, strategy=SIGNAL)))
    world.save("r1")
    world.advance(0.2)
    assert [("HUP", A)] == world.orders
    for _ in range(20):
        world.touch("app.log", ChangeKind.WRITING)
        world.advance(0.07)
    assert [("HUP", A)] == world.orders
    world.save("r2")
    world.advance(10)
    assert {"r2"} == {slot.revision for slot in world.target.slots.values()}
    assert [("HUP", A), ("HUP", A), ("HUP", B)] == world.orders


def test_a_process_that_came_during_a_burst_is_left_alone_until_it_is_over() -> None:
    """Nobody knows which code it booted; when it turns out that nothing changed, it was the new one."""
    world = settled(World(web(2, replicas=2, max_surge=0), autorestart="true"))
    world.save("r1")
    world.advance(0.3)
    assert [("TERM", A)] == world.orders
    world.touch("app.log", ChangeKind.WRITING)
    world.advance(0.02)
    world.supervisor.crash(B)
    pid = world.supervisor.programs[B].pid
    for _ in range(10):
        world.touch("app.log", ChangeKind.WRITING)
        world.advance(0.05)
    assert pid == world.supervisor.programs[B].pid
    assert world.target.slots[B].revision is None
    world.advance(20)
    assert pid == world.supervisor.programs[B].pid
    assert {"r1"} == {slot.revision for slot in world.target.slots.values()}


def test_a_newer_goal_waits_for_the_end_of_the_burst_after_it() -> None:
    """Files change again in the moment when the newer revision was read: the newest of all is booted."""
    world = settled(World(web(1, max_surge=0), autorestart="false"))
    world.save("r1", boot=Boot(ready_after=5.0))
    world.advance(1)
    world.save("r2")
    world.advance(0.0535)
    world.touch("app.log", ChangeKind.WRITING)
    world.advance(0.2)
    assert ("r1", "r2") == (world.target.rollout.revision, world.target.intake.goal.revision)
    world.save("r3")
    world.advance(20)
    assert "r3" == world.target.slots[A].revision
    assert "r2" not in {story.values.get("revision") for story in world.stories}


def test_a_boot_that_is_too_young_for_a_signal_is_stopped_when_it_is_older() -> None:
    """A TERM between fork and exec is swallowed."""
    settings = web(2)
    settings = replace(settings, watch=replace(settings.watch, quiet_period=0.01))
    world = settled(World(settings))
    ages: list[float] = []
    began = world.supervisor.programs[B]
    world.on_order = lambda verb, name: ages.append(world.clock.now - began.began) if verb == "stop" else None
    world.save("r1")
    world.advance(0.01)
    assert [("start", B)] == world.orders
    world.save("r2")
    world.advance(0.3)
    assert MIN_AGE - 1e-6 <= ages[0] < 2 * MIN_AGE
    world.advance(10)
    assert "r2" == world.target.slots[B].revision


def test_code_that_reloads_itself_comes_back_from_backoff() -> None:
    """There is nothing to signal: supervisord's next try is not waited for."""
    world = World(web(1, max_surge=0, strategy=SIGNAL), autorestart="false")
    world.code = Code(revision="r0", boot=Boot(dies_after=0.1))
    world.supervisor.boot_all()
    world.advance(1.5)
    world.advance(1.5)
    assert [S.BACKOFF] == world.states()
    world.save("r1")
    world.advance(1)
    assert [("stop", A), ("start", A)] == world.orders
    world.advance(5)
    assert [S.RUNNING] == world.states()


def test_running_is_ready_where_nothing_else_is_asked_for() -> None:
    """supervisord's word after startsecs, and no earlier."""
    world = settled(World(web(2, scheme="running")))
    world.save("r1")
    world.advance(0.9)
    assert Phase.PROBING is world.target.slots[B].phase
    world.advance(5)
    assert [S.STOPPED, S.RUNNING] == world.states()
    assert "rollout complete" == world.events()[-1]


def test_an_operators_slow_stop_is_waited_for() -> None:
    """It is told once, and the slot is looked at until the process has gone."""
    world = settled(World(web(1, max_surge=0)), Boot(drains_in=3.0))
    world.supervisor.stop(A)
    world.advance(2)
    assert [S.STOPPING] == world.states()
    world.advance(10)
    assert S.STOPPED is world.target.slots[A].state
    assert ["slot stopped by hand"] == world.events()


def test_after_a_refusal_no_half_burst_is_booted() -> None:
    """An early reading passed its check; while the refused code counts, only the end of the burst does."""
    world = settled(World(web(2, check=True)))
    world.save("r1", passes=False)
    world.advance(2)
    world.save("r2")
    world.advance(0.045)
    assert [] == world.orders
    assert not world.target.intake.goal.is_final
    world.advance(10)
    assert [("start", B), ("stop", A)] == world.orders
    assert "r2" == world.target.slots[B].revision


def test_an_old_process_that_falls_when_its_successor_boots_is_not_started_again() -> None:
    """Its slot becomes the spare one; the rollout ends with the new process alone."""
    world = settled(World(web(2), autorestart="false"))
    world.save("r1", boot=Boot(ready_after=2.0))
    world.advance(0.5)
    assert [("start", B)] == world.orders
    world.supervisor.crash(A)
    world.advance(10)
    assert [("start", B)] == world.orders
    assert [S.EXITED, S.RUNNING] == world.states()
    assert Phase.SPARE is world.target.slots[A].phase
    assert "rollout complete" == world.events()[-1]


def test_a_process_that_never_got_ready_is_replaced_in_place() -> None:
    """It lives and serves nobody: the next good save drains it without asking how many may be unavailable."""
    world = settled(World(web(2, replicas=2, max_surge=0)), Boot(ready_after=None))
    assert {Phase.FAILED} == {slot.phase for slot in world.target.slots.values()}
    world.save("r1")
    world.advance(20)
    assert {"r1"} == {slot.revision for slot in world.target.slots.values()}
    assert 2 == len(world.ready())


def test_a_revert_before_the_burst_is_over_is_no_rollout_yet() -> None:
    """The early boot was begun for nothing; what serves is what is on disk."""
    world = settled(World(web(2)))
    world.save("r1")
    world.advance(0.03)
    world.save("r0")
    world.advance(10)
    assert [S.RUNNING, S.STOPPED] == world.states()
    assert "rollout withdrawn" in world.events()


def test_the_surplus_is_not_retired_twice() -> None:
    """One that supervisord would try again (BACKOFF) is on its way out already."""
    settings = web(2)
    ready, leaving = settings.slots
    slots = (
        Slot(settings=ready, phase=Phase.READY, state=S.RUNNING, pid=1, revision=Revision("r0")),
        Slot(settings=leaving, phase=Phase.STOPPING, state=S.BACKOFF, is_retiring=True),
    )
    moves = Moves.of(slots)
    assert trim(settings, moves, 1.0)
    assert slots == tuple(moves.slots.values())
