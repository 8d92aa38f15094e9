"""What happens when two things happen at once: each of these was once a defect that a reviewer found."""

from __future__ import annotations

from dataclasses import replace

import pytest

from supervisor_reload.core.errors import SupervisorUnavailable
from supervisor_reload.core.facts import ChangeKind, FileChanged, RevisionFailed
from supervisor_reload.core.model import ProcessState as S
from supervisor_reload.core.model import ReadySettings
from supervisor_reload.core.phase import Phase
from tests.fakes.mood import moody
from tests.fakes.supervisord import Boot
from tests.fakes.world import SIGNAL, Code, World, settled, web

A, B = "web:web_00", "web:web_01"
NEVER_READY = Boot(ready_after=None)


def test_a_wake_up_that_falls_due_while_orders_are_carried_out() -> None:
    """An order that takes longer than the quiet period does not swallow the end of the burst."""
    slots = tuple(
        replace(slot, startsecs=20.0, ready=ReadySettings(timeout=60.0))
        for slot in web(scheme="running").slots
    )
    world = settled(World(replace(web(scheme="running"), slots=slots)))
    world.advance(40)
    world.lose_events = True

    def take_long(verb: str, name: str) -> None:
        world.clock.now += 0.06

    world.on_order = take_long
    began = world.clock.now
    world.save("r1")
    while world.target.intake.gathering.burst is not None or world.target.intake.goal.revision != "r1":
        world.advance(0.01)
        assert world.clock.now < began + 1, "the end of the burst was not noticed"


def test_our_own_stop_that_takes_too_long_is_not_an_operators() -> None:
    """stopwaitsecs is larger than the file said: the program comes back with the next good save."""
    world = World(
        web(1, max_surge=0, stop_timeout=2.0, drain_timeout=1.0),
        code=Code(revision="r0", boot=Boot(drains_in=None)),
    )
    world.supervisor.programs[A].stopwaitsecs = 12
    settled(world)
    world.save("r1")
    world.advance(60)
    world.save("r2")
    world.advance(20)
    assert "slot stopped by hand" not in world.events()
    assert [S.RUNNING] == world.states()
    assert "r2" == world.target.slots[A].revision


@pytest.mark.fault(45)
def test_a_replaced_boot_beside_the_old_is_taken_back_too() -> None:
    """A broken process on the shared socket would take traffic."""
    world = settled(World(web()))
    world.save("r1", boot=Boot(ready_after=3.0))
    world.advance(0.5)
    world.save("r2", boot=NEVER_READY)
    world.advance(120)
    assert [S.RUNNING, S.STOPPED] == world.states()
    assert "r0" == world.target.slots[A].revision


def test_a_retry_that_a_refused_save_ended_does_not_block_its_revision() -> None:
    """Back at the revision that failed once, it is tried again."""
    world = settled(World(web(check=True)))
    world.save("r1", boot=Boot(dies_after=0.2))
    world.advance(1.0)
    world.code = Code(revision="r1", boot=Boot(ready_after=3.0))
    world.advance(1.5)
    world.save("r2", passes=False)
    world.advance(1)
    world.save("r1")
    world.advance(60)
    assert "rollout complete" == world.events()[-1]


def test_a_process_started_inside_a_burst_is_not_trusted() -> None:
    """It booted what the file held before the last save, and a later touch does not vouch for it."""
    world = settled(World(web(1, max_surge=0, min_interval=60.0)))
    world.save("r1")
    world.advance(5)
    world.save("r2")
    world.advance(0.02)
    world.code = Code(revision="r1")
    world.supervisor.crash(A)
    world.advance(0.01)
    world.code = Code(revision="r2")
    world.advance(2)
    world.touch()
    world.advance(100)
    assert 2 == world.events().count("rollout complete")
    assert world.supervisor.programs[A].boots >= 4, "the boot on r1 was replaced"


def test_withdrawn_at_once_leaves_no_surplus() -> None:
    """A revert within MIN_AGE of the boot, and one while it is probed."""
    for pause in (0.012, 0.5):
        world = settled(World(replace(web(), watch=replace(web().watch, quiet_period=0.02))))
        world.save("r1", boot=Boot(drains_in=3.0))
        world.advance(pause)
        world.save("r0")
        world.advance(20)
        assert [S.RUNNING, S.STOPPED] == sorted(world.states(), key=lambda state: state.value), pause
        assert 1 == world.events().count("rollout began"), pause


def test_a_stop_that_did_not_reach_supervisord_is_ordered_again() -> None:
    """The broken process beside the old one does not run on because supervisord was away for a moment."""
    world = World(web())
    mood = moody(world)
    world.save("r1", boot=NEVER_READY)
    world.advance(1)
    mood.errors = {"stop": SupervisorUnavailable("timed out")}
    world.advance(8)
    assert S.RUNNING is world.supervisor.programs[B].state
    mood.errors = {}
    world.advance(60)
    assert [S.RUNNING, S.STOPPED] == world.states()


def test_a_hang_up_that_did_not_reach_supervisord_fails_no_revision() -> None:
    """It is signalled again when supervisord is back; the revision is not to blame."""
    world = World(web(1, max_surge=0, strategy=SIGNAL))
    mood = moody(world)
    mood.errors = {"signal": SupervisorUnavailable("timed out")}
    world.save("r1")
    world.advance(3)
    mood.errors = {}
    world.advance(10)
    assert "rollout halted" not in world.events()
    assert "rollout complete" == world.events()[-1]


def test_startsecs_as_long_as_the_ready_timeout() -> None:
    """supervisord calls it RUNNING a moment after startsecs: that is in time."""
    slots = tuple(
        replace(slot, startsecs=5.0, ready=replace(slot.ready, timeout=5.0)) for slot in web().slots
    )
    world = World(replace(web(), slots=slots), lose_events=True)
    world.supervisor.boot_all()
    world.advance(20)
    world.save("r1")
    world.advance(40)
    assert "rollout halted" not in world.events()
    assert "rollout complete" in world.events()


def test_superseded_signals_keep_to_max_unavailable() -> None:
    """A slot that reloads for the older revision is away, too."""
    world = settled(World(web(4, replicas=4, max_surge=0, strategy=SIGNAL)))
    world.save("r1", boot=Boot(ready_after=5.0))
    world.advance(0.5)
    world.save("r2", boot=Boot(ready_after=5.0))
    world.advance(0.5)
    assert 1 == sum(slot.phase is not Phase.READY for slot in world.target.slots.values())


def test_files_that_vanish_in_the_middle_halt_no_slot() -> None:
    """While nothing can be read nothing is drained, and the rollout goes on when they are back."""
    world = settled(World(web(4, replicas=4, max_surge=0)))
    world.save("r1")
    world.advance(0.5)
    world.put(FileChanged(target="web", path="/app", kind=ChangeKind.RESCAN))
    lost = RevisionFailed(target="web", reason="/app is gone")
    compute = world.compute
    world.compute = lambda *_, final, **__: world.put(replace(lost, final=final))  # type: ignore[method-assign]
    world.advance(10)
    signalled = len(world.orders)
    assert not world.target.intake.is_settled
    world.advance(10)
    assert signalled == len(world.orders)
    world.compute = compute  # type: ignore[method-assign]
    world.advance(30)
    assert {"r1"} == {slot.revision for slot in world.target.slots.values()}


def test_a_long_check_does_not_keep_a_plain_program_down() -> None:
    """The second save comes during the drain: what was taken down is started within max_wait."""
    world = World(web(1, max_surge=0, check=True), code=Code(revision="r0", boot=Boot(drains_in=1.0)))
    settled(world)
    world.save("r1")
    world.advance(0.5)
    world.check_seconds = 30.0
    world.save("r2")
    world.advance(6)
    assert [S.RUNNING] == world.states()


def test_a_file_that_was_once_open_too_long_is_trusted_again() -> None:
    """Closed in between, it holds the next burst open until it is whole."""
    world = settled(World(web(1, max_surge=0)))
    world.touch("big.py", ChangeKind.WRITING)
    world.advance(5)
    world.touch("big.py")
    world.advance(5)
    world.touch("big.py", ChangeKind.WRITING)
    world.advance(0.5)
    assert world.target.intake.gathering.burst is not None
    assert set() == world.target.intake.gathering.endless


def test_a_stale_git_lock_is_told() -> None:
    """Whoever waits for 30 s wants to know for what."""
    world = settled(World(web()))
    world.git_held = True
    world.save("r1")
    world.advance(40)
    assert "index.lock" in str(world.story("burst ended by its limit").values["reason"])


def test_superseded_while_the_next_may_not_begin_yet() -> None:
    """min_interval holds the next rollout back: the broken boot does not stay beside the old until then."""
    world = settled(World(web(min_interval=60.0)))
    world.save("r1", boot=NEVER_READY)
    world.advance(1)
    world.save("r2")
    world.advance(5)
    assert [S.RUNNING, S.STOPPED] == world.states()
    world.advance(120)
    assert "r2" in {slot.revision for slot in world.target.slots.values() if slot.phase is Phase.READY}


def least_up(world: World, seconds: float) -> int:
    """The smallest number of processes that answered at any moment of the next seconds."""
    least = len(world.ready())
    end = world.clock.now + seconds
    while world.clock.now < end:
        world.advance(0.05)
        least = min(least, len(world.ready()))
    return least


def test_processes_found_at_the_start_are_presumed_to_serve() -> None:
    """A save right after the listener was restarted does not take down what was not probed yet."""
    slow = tuple(replace(slot, ready=replace(slot.ready, min_ready=5.0)) for slot in web(4).slots)
    world = settled(World(replace(web(4, replicas=4, max_surge=0), slots=slow)))
    world.start_listener()
    world.advance(0.5)
    world.save("r1", boot=Boot(dies_after=0.1))
    assert 3 == least_up(world, 60)


def test_a_probe_that_can_never_pass_takes_nothing_down_at_once() -> None:
    """A wrong ready= is an operator's slip: at every moment one of the two old processes is up."""
    for settings in (web(), web(2, replicas=2, max_surge=0)):
        world = World(settings, code=Code(revision="r0", boot=NEVER_READY))
        world.supervisor.boot_all()
        world.advance(20)
        world.save("r1", boot=NEVER_READY)
        end = world.clock.now + 60
        while world.clock.now < end:
            world.advance(0.05)
            assert S.RUNNING in world.states()


def test_a_fall_that_autorestart_hides_halts_the_rollout() -> None:
    """Ready, then dead, then up again before anybody looked: the old processes are not replaced by that."""
    world = settled(World(web(4, replicas=4, max_surge=0)))
    world.save("r1", boot=Boot(dies_after=2.5))
    world.advance(120)
    assert "its process ended by itself" in {
        story.values["reason"] for story in world.stories if story.event == "rollout halted"
    }
    assert "rollout complete" not in world.events()
    assert 1 <= sum(
        slot.revision == "r0" and slot.phase is Phase.READY for slot in world.target.slots.values()
    )


def test_an_operators_restart_in_the_middle_is_no_fall() -> None:
    """It goes through STOPPED; the rollout adapts."""
    world = settled(World(web(4, replicas=4, max_surge=0)))
    world.save("r1")
    world.advance(1.3)
    name = next(n for n, slot in world.target.slots.items() if slot.revision == "r1")
    world.supervisor.stop(name)
    world.clock.now += 0.06
    world.supervisor.start(name)
    world.advance(60)
    assert "rollout halted" not in world.events()
